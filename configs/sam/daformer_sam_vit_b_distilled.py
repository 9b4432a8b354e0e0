# SSR on DAFormer, GTA -> Cityscapes, with distillation, which is not in the paper: SAM's map is
# added in place, and the regularization branch makes the pseudo-labels and teaches the shadow
# branch. SAM runs as often as in the paper: on source and target images, whose maps make the one of
# the mixed image. This config has not been trained. The form that helps on photographs
# (docs/benchmarks.md) differs: it has a small student and a TinyViT SAM, and its maps are of whole
# frames and made once. Here SAM sees crops.
_base_ = ['daformer_sam_vit_b.py']
uda = dict(
    sam_model_registry=None, sam_checkpoint=None, stop_stage=None,
    regularizer=dict(
        encoder=dict(variant='vit_b', checkpoint='pretrained/sam_vit_b_01ec64.pth'),
        add_map=True),
    distillation_weight=3.,
    pseudo_label_branch='regularized',
    running_statistics='shadow',
    mixed_maps='composed')
name = 'daformer_sam_vit_b_distilled'
