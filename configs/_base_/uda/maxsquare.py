# Maximum squares loss (arXiv 1909.13589), without image-wise weights and guidance.
uda = dict(
    type='MaxSquare',
    lambda_max_square=0.1,
    image_wise_ratio=None,
    guidance_weight=0,
    guidance_threshold=0.95,
    guidance_from='mean')
optimizer_config = None  # the step calls the optimizer itself
