# Adversarial adaptation with AdaptSegNet's weights (arXiv 1802.10349), under MIC's names. Vanilla
# is the paper's loss. MIC trains 'LS', which AdaptSegNet's authors added later.
uda = dict(
    type='AdvSeg',
    discriminator_type='Vanilla',
    lr_D=1e-4,
    lambda_adv_target=dict(main=0.001, aux=0.0002))
optimizer_config = None  # the step calls the optimizer itself
