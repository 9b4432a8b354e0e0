# DAFormer for trainings of minutes: a faster teacher and a lower threshold than in the paper. The
# classes of the feature distance are sign, car, pedestrian and bicyclist. No margins are untrusted.
_base_ = ['dacs.py']
uda = dict(
    alpha=0.99,
    pseudo_threshold=0.9,
    imnet_feature_dist_lambda=0.005,
    imnet_feature_dist_classes=[6, 8, 9, 10],
    imnet_feature_dist_scale_min_ratio=0.75)
