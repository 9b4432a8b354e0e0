# DAFormer + SSR with distillation, Streets -> CamVid.
# A training makes the maps of the frames first, once, in less than an hour.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mobilenetv2_streets2camvid.py',
    '../_base_/datasets/uda_streets_to_camvid.py',
    '../_base_/uda/ssr_camvid_distilled.py',
    '../_base_/schedules/adamw_poly_camvid.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
data = dict(train=dict(
    source=dict(encoder_maps='data/camvid_maps/streets_mobile_sam_1024'),
    target=dict(encoder_maps='data/camvid_maps/mobile_sam_1024')))
name = 'streets2camvid_daformer_ssr_distilled'
