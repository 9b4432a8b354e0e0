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
