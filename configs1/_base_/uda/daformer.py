# DAFormer's self-training: ClassMix, a slow EMA teacher, thing-class ImageNet feature distance.
method = dict(
    max_iters=40000,
    seed=0,
    alpha=0.999,
    pseudo_threshold=0.968,
    blur=True,
    color_jitter_strength=0.2,
    color_jitter_probability=0.2,
    imnet_feature_dist_lambda=0.005,
    imnet_feature_dist_classes=[6, 7, 11, 12, 13, 14, 15, 16, 17, 18],
    imnet_feature_dist_scale_min_ratio=0.75)
