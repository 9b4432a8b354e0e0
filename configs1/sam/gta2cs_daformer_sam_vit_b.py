# SSR on DAFormer, GTA -> Cityscapes (arXiv 2401.14686): SAM ViT-B regularizes all four stages.
_base_ = ['../daformer/gta2cs_daformer_mitb5.py']
model = dict(
    type='SSR',
    sam_model_registry='vit_b',
    stop_stage=[0, 1, 2, 3],
    sam_checkpoint='pretrained/sam_vit_b_01ec64.pth')
