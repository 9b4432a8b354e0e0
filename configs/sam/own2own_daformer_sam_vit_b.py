# SSR on DAFormer on your own data, see docs/own_data.md.
_base_ = ['../daformer/own2own_daformer_mitb5.py']
uda = dict(
    type='SSR', sam_model_registry='vit_b', stop_stage=[0, 1, 2, 3],
    sam_checkpoint='pretrained/sam_vit_b_01ec64.pth')
name = 'own2own_daformer_sam_vit_b'
