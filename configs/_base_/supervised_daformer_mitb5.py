# DAFormer's network trained with labels alone: the lower bound (source-only, on the source) and the
# upper bound (oracle, on the target). Data come from the config.
_base_ = [
    'default_runtime.py',
    'models/daformer_mitb5.py',
    'schedules/adamw_poly10warm_40k.py',
]
optimizer_config = dict()
