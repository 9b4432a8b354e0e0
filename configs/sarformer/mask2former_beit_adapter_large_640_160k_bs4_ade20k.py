# Mask2Former on a ViT-Adapter of BEiT-L, ADE20K: the baseline of SARFormer.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/mask2former_beit_adapter_large.py',
    '../_base_/datasets/ade20k_640x640.py',
    '../_base_/schedules/adamw_poly09_160k_sarformer.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'mask2former_beit_adapter_large_640_160k_bs4_ade20k'
