# SARFormer on a ViT-Adapter of BEiT-B with SAM ViT-B, ADE20K (Neurocomputing 635, 129915).
_base_ = ['mask2former_beit_adapter_base_640_160k_bs4_ade20k.py']
model = dict(
    type='SARFormer',
    regions=dict(type='sam', variant='vit_b', checkpoint='pretrained/sam_vit_b_01ec64.pth'),
    decode_head=dict(type='SARFormerHead', pool_from='context', first_attention='outside'))
name = 'sarformer_beit_base_640_160k_bs4_ade20k'
