# DAFormer on your own data, see docs/own_data.md.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mitb5.py',
    '../_base_/datasets/uda_own_512x512.py',
    '../_base_/uda/daformer.py',
    '../_base_/schedules/adamw_poly10warm_40k.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
model = dict(decode_head=dict(num_classes=7))
uda = dict(
    # Positions of the classes that are things (counted objects), for the feature distance.
    imnet_feature_dist_classes=[2, 5, 6],
    # Rows of a crop whose pseudo-labels are not trusted: a bonnet, or a camera's frame.
    pseudo_weight_ignore_top=0,
    pseudo_weight_ignore_bottom=0)
name = 'own2own_daformer_mitb5'
