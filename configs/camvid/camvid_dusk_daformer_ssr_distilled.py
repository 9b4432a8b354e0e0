# DAFormer + SSR with distillation, CamVid by day -> CamVid at dusk.
# A training makes the maps of the frames first, once, in less than an hour.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mobilenetv2_camvid_dusk.py',
    '../_base_/datasets/uda_camvid_dusk.py',
    '../_base_/uda/ssr_camvid_distilled.py',
    '../_base_/schedules/adamw_poly_camvid.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
data = dict(train=dict(
    source=dict(encoder_maps='data/camvid_maps/day_mobile_sam_1024'),
    target=dict(encoder_maps='data/camvid_maps/mobile_sam_1024')))
name = 'camvid_dusk_daformer_ssr_distilled'
