# DAFormer with SAM in the pseudo-labels, Streets -> CamVid.
# A training makes the maps of the frames first, once, in minutes.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mobilenetv2_streets2camvid.py',
    '../_base_/datasets/uda_streets_to_camvid.py',
    '../_base_/uda/daformer_camvid_affinity.py',
    '../_base_/schedules/adamw_poly_camvid.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
data = dict(train=dict(target=dict(encoder_maps='data/camvid_maps/mobile_sam_1024')))
name = 'streets2camvid_daformer_affinity'
