# VFM-UDA: MIC's self-training without the feature distance, which harms foundation models.
_base_ = ['mic_hrda.py']
uda = dict(imnet_feature_dist_lambda=0)
