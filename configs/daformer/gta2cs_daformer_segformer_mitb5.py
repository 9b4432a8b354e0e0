# DAFormer's training with SegFormer's decoder, GTA -> Cityscapes (arXiv 2111.14887, Table 5).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/segformer_mitb5.py',
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'gta2cs_daformer_segformer_mitb5'
