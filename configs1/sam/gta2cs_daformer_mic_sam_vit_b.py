# SSR on MIC on DAFormer, GTA -> Cityscapes (arXiv 2401.14686).
_base_ = ['../mic/gta2cs_mic_daformer_mitb5.py']
model = dict(
    type='SSR',
    sam_model_registry='vit_b',
    stop_stage=[0, 1, 2, 3],
    sam_checkpoint='pretrained/sam_vit_b_01ec64.pth')
