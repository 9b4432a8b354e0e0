# SSR on DAFormer, GTA -> Cityscapes, with the TinyViT of MobileSAM in place of SAM ViT-B.
# The frozen encoder takes 8 % of the arithmetic, see docs/encoders.md.
_base_ = ['daformer_sam_vit_b.py']
uda = dict(sam_model_registry='vit_t', sam_checkpoint='pretrained/mobile_sam.pt')
name = 'daformer_mobilesam'
