# DAFormer + SSR on Streets. The encoder is a small one with random frozen weights, not SAM: it
# shows that everything runs, and says nothing about the effect of SAM.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_r18_small.py',
    '../_base_/datasets/uda_streets.py',
    '../_base_/uda/dacs.py',
    '../_base_/schedules/adamw_poly_demo.py',
]
custom_imports = dict(imports=['mmseg_ssr'], allow_failed_imports=False)
uda = dict(
    type='SSR',
    alpha=0.99,
    pseudo_threshold=0.9,
    pseudo_weight_ignore_bottom=15,
    regularizer=dict(
        stages=[0, 1, 2, 3],
        encoder=dict(
            checkpoint=None,  # random weights, on purpose
            input_size=128,
            encoder_args=dict(
                embed_dim=64,
                depth=2,
                num_heads=2,
                window_size=4,
                global_attn_indexes=[1],
                out_chans=64))))
name = 'demo_daformer_ssr'
