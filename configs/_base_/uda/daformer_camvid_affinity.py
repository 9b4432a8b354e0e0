# DAFormer on CamVid, whose pseudo-labels agree with what MobileSAM finds alike in the whole frame.
_base_ = ['daformer_camvid.py']
uda = dict(
    pseudo_label_affinity=0.1,
    pseudo_label_encoder=dict(
        variant='vit_t', checkpoint='pretrained/mobile_sam.pt', input_size=1024))
