# SSR on DAFormer, GTA -> Cityscapes, in the form that helps on photographs and is not the paper's
# (docs/benchmarks.md): SAM's map is added in place, and the regularization branch makes the
# pseudo-labels and teaches the shadow branch. SAM runs as often as in the paper: on source and
# target images, whose maps make the one of the mixed image. It was measured with a TinyViT SAM and
# a small student alone.
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
