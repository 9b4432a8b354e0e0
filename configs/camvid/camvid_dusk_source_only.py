# Source-only, CamVid by day -> CamVid at dusk.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mobilenetv2_camvid_dusk.py',
    '../_base_/datasets/uda_camvid_dusk.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/adamw_poly_camvid.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(source_only=True)
name = 'camvid_dusk_source_only'
