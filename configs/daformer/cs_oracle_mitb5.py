# Oracle (target-only): trained on Cityscapes with its labels. The upper bound.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mitb5.py',
    '../_base_/datasets/cityscapes_512x512.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
optimizer_config = dict()
name = 'cs_oracle_mitb5'
name_dataset = 'cityscapes'
name_architecture = 'daformer_sepaspp_mitb5'
name_encoder = 'mitb5'
name_decoder = 'daformer_sepaspp'
name_uda = 'target-only'
name_opt = 'adamw_6e-05_pmTrue_poly10warm_1x2_40k'
