# DAFormer, Cityscapes -> ACDC (arXiv 2111.14887). No margins: the target has no artifacts in them.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mitb5.py',
    '../_base_/datasets/uda_cityscapes_to_acdc_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(pseudo_weight_ignore_top=0, pseudo_weight_ignore_bottom=0)
name = 'cs2acdc_daformer_mitb5'
