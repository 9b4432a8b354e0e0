# Oracle (target-only) of DeepLabV2: trained on Cityscapes with its labels.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/dlv2red_r101.py',
    '../_base_/datasets/cityscapes_512x512.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
optimizer_config = dict()
name = 'cs_oracle_dlv2red_r101'
name_dataset = 'cityscapes'
name_architecture = 'dlv2red_r101v1c'
name_encoder = 'r101v1c'
name_decoder = 'dlv2red'
name_uda = 'target-only'
name_opt = 'adamw_6e-05_pmTrue_poly10warm_1x2_40k'
