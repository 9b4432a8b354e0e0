# Entropy minimization with ADVENT's weights (arXiv 1811.12833), under MIC's names.
uda = dict(type='MinEnt', lambda_ent=dict(main=0.001, aux=0.0002))
optimizer_config = None  # the step calls the optimizer itself
