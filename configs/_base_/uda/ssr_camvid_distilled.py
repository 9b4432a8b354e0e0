# SSR on this DAFormer, in the form that helps on photographs and is not the paper's
# (docs/benchmarks.md): SAM sees whole frames, whose maps are made once. Its map is added in place.
# The regularization branch makes the pseudo-labels and teaches the shadow branch. The weight was
# chosen of 1, 3 and 10 on Streets -> CamVid, on a seed that the tables do not use.
_base_ = ['ssr_camvid.py']
uda = dict(
    mixed_maps='composed',
    pseudo_label_branch='regularized',
    running_statistics='shadow',
    distillation_weight=3.,
    regularizer=dict(add_map=True, encoder=dict(input_size=1024)))
