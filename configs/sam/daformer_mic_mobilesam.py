# SSR on MIC on DAFormer, GTA -> Cityscapes, with the TinyViT of MobileSAM in place of SAM ViT-B.
_base_ = ['daformer_mic_sam_vit_b.py']
uda = dict(sam_model_registry='vit_t', sam_checkpoint='pretrained/mobile_sam.pt')
name = 'daformer_mic_mobilesam'
