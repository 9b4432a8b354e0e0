"""Every architecture in miniature: what the tests that train all of them build."""
from mmseg.models.builder import BACKBONES

from mmseg_ssr.models.mit import MiT

BACKBONES.register_module('tiny_mit', module=MiT)

NORM = dict(type='BN', requires_grad=True)
RESNET = dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8, num_stages=4,
              out_indices=(0, 1, 2, 3), strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4),
              contract_dilation=True, norm_cfg=NORM, norm_eval=False, style='pytorch',
              zero_init_residual=False)  # all weights have a gradient from the start
MIT = dict(type='tiny_mit', embed_dims=[8, 16, 40, 64], depths=[1, 1, 1, 1], drop_path_rate=0.1)
VIT = dict(type='FoundationBackbone', model='vit_small_patch14_dinov2',
           model_args=dict(depth=2, embed_dim=24, num_heads=2))
CONVNEXT = dict(type='FoundationBackbone', model='convnext_atto', layers=(0, 1, 2, 3),
                model_args=dict(depths=(1, 1, 1, 1), dims=(8, 12, 16, 24)))
HIERA = dict(type='FoundationBackbone', model='sam2_hiera_tiny', layers=(0, 1, 2, 3),
             model_args=dict(embed_dim=8, num_heads=1, stages=(1, 2, 3, 2),
                             global_att_blocks=(4, )))
VIT_ADAPTER = dict(type='DINOv2Adapter', model='vit_small_patch14_dinov2', input_size=64,
                   patch_size=16, conv_inplane=8, batch_norm_cfg=dict(NORM, momentum=0.01),
                   model_args=dict(depth=4, embed_dim=32, num_heads=2))
DLV2 = dict(type='DLV2Head', in_channels=64, in_index=3, dilations=(6, 12), num_classes=19)


def four_stages(kind, channels, **options):
    return dict(dict(type=kind, in_channels=channels, in_index=[0, 1, 2, 3], channels=16,
                     num_classes=19, norm_cfg=NORM, align_corners=False), **options)


def daformer(*channels):
    return four_stages('DAFormerHead', list(channels), decoder_params=dict(
        embed_dims=16, embed_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
        embed_neck_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
        fusion_cfg=dict(type='conv', kernel_size=1, act_cfg=dict(type='ReLU'), norm_cfg=NORM)))


def plain(backbone, head, **options):
    return dict(dict(type='EncoderDecoder', backbone=backbone, decode_head=head,
                     train_cfg=dict(), test_cfg=dict(mode='whole')), **options)


def hrda(backbone, head, **options):
    return plain(backbone, head, type='HRDAEncoderDecoder', scales=[1, 0.5],
                 hr_crop_size=[32, 32], feature_scale=0.5, crop_coord_divisible=8)


MASKS = dict(
    in_channels=[8, 16, 32, 64], num_classes=19, feat_channels=16, num_queries=6,
    pixel_decoder=dict(num_layers=1, num_heads=2, feedforward_channels=16, num_groups=4),
    transformer_decoder=dict(num_layers=2, num_heads=2, feedforward_channels=16),
    losses=dict(num_points=64))

# student, widths of the stages that SSR projects to
ARCHITECTURES = {
    'dlv2': (plain(RESNET, dict(DLV2, dilations=(6, 12, 18, 24))), (8, 16, 32, 64)),
    'dlv2red': (plain(RESNET, DLV2), (8, 16, 32, 64)),
    'hrda_dlv2red': (hrda(RESNET, dict(DLV2, type='HRDAHead', single_scale_head='DLV2Head',
                                       hr_loss_weight=0.1)), (8, 16, 32, 64)),
    'hrda_daformer': (hrda(MIT, dict(daformer(8, 16, 40, 64), type='HRDAHead', hr_loss_weight=0.1,
                                     single_scale_head='DAFormerHead', attention_embed_dim=8)),
                      (8, 16, 40, 64)),
    'segformer': (plain(MIT, four_stages('SegformerHead', [8, 16, 40, 64])), (8, 16, 40, 64)),
    'upernet': (plain(
        MIT, four_stages('UPerHead', [8, 16, 40, 64]),
        auxiliary_head=dict(type='FCNHead', in_channels=40, in_index=2, channels=8, num_convs=1,
                            num_classes=19, norm_cfg=NORM, align_corners=False)),
        (8, 16, 40, 64)),
    'daformer': (plain(MIT, daformer(8, 16, 40, 64)), (8, 16, 40, 64)),
    'daformer_convnext': (plain(CONVNEXT, daformer(8, 12, 16, 24)), (8, 12, 16, 24)),
    'daformer_hiera': (plain(HIERA, daformer(8, 16, 32, 64)), (8, 16, 32, 64)),
    'daformer_vit_pyramid': (plain(
        VIT, daformer(16, 16, 16, 16),
        neck=dict(type='SimpleFeaturePyramid', in_channels=24, out_channels=16)),
        (16, 16, 16, 16)),
    'vfmuda': (plain(dict(VIT, input_scale=1.1), dict(
        type='UpscaleHead', in_channels=24, num_classes=19)), (24, )),
    'vfmudapp': (plain(VIT_ADAPTER, dict(
        type='PyramidUpscaleHead', in_channels=[32] * 4, num_classes=19,
        norm_cfg=dict(NORM, momentum=0.01))), (32, 32, 32, 32)),
    'mask2former': (plain(RESNET, dict(MASKS, type='Mask2FormerHead'), type='Mask2Former'),
                    (8, 16, 32, 64)),
    'sarformer': (plain(
        RESNET, dict(MASKS, type='SARFormerHead', pool_from='mask_features',
                     first_attention='predicted'),
        type='SARFormer', regions=dict(type='none')), (8, 16, 32, 64)),
}


def maker_of(method, name):
    """What makes the view of this name in a method."""
    return next(maker for maker in method.view_makers if maker.name == name)
