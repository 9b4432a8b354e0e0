# SSR on VFM-UDA++: SAM ViT-B regularizes three of the four maps. The largest one is left out: its
# attention costs as much as SAM itself. It is in no paper.
_base_ = ['gta2cs_vfmudapp_dinov2_l.py']
uda = dict(
    type='SSR', sam_model_registry='vit_b', stop_stage=[1, 2, 3],
    sam_checkpoint='pretrained/sam_vit_b_01ec64.pth')
name = 'gta2cs_vfmudapp_ssr_dinov2_l'
