# DAFormer, Streets -> CamVid.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_mobilenetv2_streets2camvid.py',
    '../_base_/datasets/uda_streets_to_camvid.py',
    '../_base_/uda/daformer_camvid.py',
    '../_base_/schedules/adamw_poly_camvid.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
name = 'streets2camvid_daformer'
