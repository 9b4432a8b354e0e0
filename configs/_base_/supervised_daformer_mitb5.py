# DAFormer's network trained with labels alone. On the source this is the lower bound (source-only),
# on the target the upper bound (oracle). The config adds the data.
_base_ = [
    'default_runtime.py',
    'models/daformer_mitb5.py',
    'schedules/adamw_poly10warm_40k.py',
]
optimizer_config = dict()
