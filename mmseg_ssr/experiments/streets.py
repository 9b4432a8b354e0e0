"""Streets, the drawn data: benchmarks of minutes."""
from functools import partial
from typing import Any, List, Mapping

from .table import Experiment, Row, with_shared

# Streets: changes that turn the demo's DAFormer into the other methods. Sizes are those of the
# papers, divided as the crops are: 128 pixels here, 512 (MIC) and 1024 (HRDA) there.
STREETS_MIC = {
    'uda.mask_mode': 'separatetrgaug',
    'uda.mask_lambda': 1,
    'uda.mask_generator': dict(type='block', mask_ratio=0.7, mask_block_size=8),
}
#: For crops of about twice the side.
LARGE_MIC = {**STREETS_MIC, 'uda.mask_generator': dict(
    type='block', mask_ratio=0.7, mask_block_size=16)}
STREETS_HRDA = {
    'model.type': 'HRDAEncoderDecoder',
    'model.decode_head.type': 'HRDAHead',
    'model.decode_head.single_scale_head': 'DAFormerHead',
    'model.decode_head.attention_classwise': True,
    'model.decode_head.hr_loss_weight': 0.1,
    'model.scales': [1, 0.5],
    'model.hr_crop_size': [64, 64],
    'model.feature_scale': 0.5,
    'model.crop_coord_divisible': 8,
    'model.hr_slide_inference': True,
    'model.test_cfg': dict(mode='slide', batched_slide=True, stride=[64, 64],
                           crop_size=[128, 128]),
}
STREETS_ORACLE = {
    'data.train.source.type': 'CityscapesDataset',
    'data.train.source.data_root': 'data/streets/cityscapes/',
    'data.train.source.img_dir': 'leftImg8bit/train',
    'data.train.source.ann_dir': 'gtFine/train',
}
STREETS_MINENT = {'uda.type': 'MinEnt', 'uda.source_only': False, 'uda.lambda_ent': 0.001}
STREETS_ADVSEG = {'uda.type': 'AdvSeg', 'uda.source_only': False, 'uda.lambda_adv_target': 0.001}
STREETS_MAX_SQUARE = {
    'uda.type': 'MaxSquare', 'uda.source_only': False, 'uda.lambda_max_square': 0.1}
STREETS_MULTI = {
    **STREETS_MAX_SQUARE, 'uda.image_wise_ratio': 0.2, 'uda.guidance_weight': 0.1,
    'model.auxiliary_head': dict(
        type='DLV2Head', in_channels=128, in_index=2, dilations=(6, 12), num_classes=19,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.1)),
}
DEMO = {'runner.max_iters': 600}  # half, so that `make demo` takes 10 minutes
STREETS_TEST = {'evaluation.interval': 1200}  # once, at the end
#: For a GPU: twice the side, MiT-B2 with its ImageNet weights and the papers' learning rates.
STREETS_LARGE = {
    'model.pretrained': 'pretrained/mit_b2.pth',
    'model.backbone': dict(_delete_=True, type='mit_b2'),
    'model.decode_head.in_channels': [64, 128, 320, 512],
    'model.decode_head.channels': 256,
    'model.decode_head.decoder_params.embed_dims': 256,
    **{f'data.train.{domain}.pipeline.{place}.{key}': value
       for domain, first in (('source', 2), ('target', 1))
       for place, key, value in ((first, 'img_scale', (512, 256)),
                                 (first + 1, 'crop_size', (256, 256)),
                                 (first + 4, 'size', (256, 256)))},
    **{f'data.{split}.pipeline.1.img_scale': (512, 256) for split in ('val', 'test')},
    'optimizer.lr': 6e-5,
    'optimizer.paramwise_cfg.custom_keys.head': dict(lr_mult=10.),
    'lr_config.warmup_iters': 200,
    'runner.max_iters': 2000,
    'uda.pseudo_weight_ignore_bottom': 30,
    'uda.amp': dict(dtype='bfloat16'),
    'uda.joint_views': True,
    'uda.watch_interval': 50,
    'evaluation.interval': 2000,
}
#: A control that shows the value of the encoder's knowledge.
RANDOM_ENCODER = {'uda.regularizer.encoder.checkpoint': None}
#: This project's additions to SSR, one by one and together. They are not in the paper.
REGULARIZED_LABELS = {'uda.pseudo_label_branch': 'regularized'}
ADDED_MAP = {'uda.regularizer.add_map': True}
SHADOW_STATISTICS = {'uda.running_statistics': 'shadow'}
SSR_PLUS = {**ADDED_MAP, **REGULARIZED_LABELS, **SHADOW_STATISTICS}
#: As in MiT, the backbone has no batch statistics.
GROUP_NORM = {
    'model.backbone.norm_cfg': dict(_delete_=True, type='GN', num_groups=8, requires_grad=True)}
#: Settings of each row of the comparison: minutes on one core.
STREETS_BUDGET = {
    'runner.max_iters': 400,
    'checkpoint_config.interval': 100,
    'evaluation.interval': 400,
}


def small_row(begin: str, name: str, config: str, baseline: str = 'daformer', seeds: int = 1,
              **overrides: Any) -> Row:
    """Make a row of a benchmark of minutes. ``begin`` is how the paths of its configs begin."""
    return Row(name, f'{begin}{config}.py', seeds=tuple(range(seeds)), overrides=overrides,
               baseline=baseline)


streets = partial(small_row, 'configs/demo/')


def encoder_rows(mic: Mapping[str, Any]) -> List[Row]:
    """Rows that show the encoder's effect on DAFormer, and on MIC with its keys ``mic``."""
    row = partial(streets, seeds=5)
    return [
        row('source_only', 'source_only'),
        row('daformer', 'daformer'),
        row('daformer_ssr', 'daformer_ssr'),
        row('daformer_ssr_plus', 'daformer_ssr', **SSR_PLUS),
        row('daformer_ssr_plus_random', 'daformer_ssr', **SSR_PLUS, **RANDOM_ENCODER),
        row('mic', 'daformer', **mic),
        row('mic_ssr_plus', 'daformer_ssr', 'mic', **mic, **SSR_PLUS),
    ]


EXPERIMENTS: List[Experiment] = [
    Experiment(
        'demo', 'Streets, the embedded data: minutes on a CPU', 'this repository',
        tuple(streets(name, name, **DEMO) for name in ('source_only', 'daformer', 'daformer_ssr')),
        'Streets', 'daformer'),
    Experiment(
        'streets', 'Does a frozen, domain-robust encoder help? (1200 iterations, five seeds)',
        'this repository', tuple(with_shared(STREETS_TEST, (
            *encoder_rows(STREETS_MIC),
            *(streets('plus_stages_' + ''.join(map(str, stages)), 'daformer_ssr',
                      **{'uda.regularizer.stages': stages}, **SSR_PLUS)
              for stages in ([0], [0, 1], [0, 1, 2]))))),
        'Streets', 'daformer'),
    Experiment(
        'streets-parts', 'What each part of SSR plus brings (1200 iterations, one seed)',
        'this repository', tuple(with_shared(STREETS_TEST, (
            streets('daformer', 'daformer'),
            streets('daformer_ssr', 'daformer_ssr'),
            streets('daformer_ssr_labels', 'daformer_ssr', **REGULARIZED_LABELS),
            streets('daformer_ssr_map_labels', 'daformer_ssr', **ADDED_MAP, **REGULARIZED_LABELS),
            streets('daformer_ssr_plus', 'daformer_ssr', **SSR_PLUS),
            streets('group_norm', 'daformer', **GROUP_NORM),
            streets('group_norm_ssr_plus', 'daformer_ssr', 'group_norm', **GROUP_NORM,
                    **SSR_PLUS)))),
        'Streets', 'daformer'),
    Experiment(
        'streets-large', 'The same on a GPU: MiT-B2, 512 x 256 (2000 iterations, five seeds)',
        'this repository', tuple(with_shared(STREETS_LARGE, encoder_rows(LARGE_MIC))),
        'Streets', 'daformer'),
    Experiment(
        'streets-methods', 'All methods at one budget (400 iterations, one seed)',
        'this repository', tuple(with_shared(STREETS_BUDGET, (
            streets('source_only', 'source_only'),
            streets('minent', 'source_only', 'source_only', **STREETS_MINENT),
            streets('maxsquare', 'source_only', 'source_only', **STREETS_MAX_SQUARE),
            streets('maxsquare_iw', 'source_only', 'source_only', **STREETS_MAX_SQUARE,
                    **{'uda.image_wise_ratio': 0.2}),
            streets('maxsquare_iw_multi', 'source_only', 'source_only', **STREETS_MULTI),
            streets('advseg', 'source_only', 'source_only', **STREETS_ADVSEG),
            streets('dacs', 'daformer', **{'data.train.rare_class_sampling': None}),
            streets('daformer', 'daformer'),
            streets('daformer_ssr', 'daformer_ssr'),
            streets('mic', 'daformer', **STREETS_MIC),
            streets('mic_ssr', 'daformer_ssr', 'mic', **STREETS_MIC),
            streets('hrda', 'daformer', **STREETS_HRDA),
            streets('hrda_ssr', 'daformer_ssr', 'hrda', **STREETS_HRDA),
            streets('mic_hrda', 'daformer', 'hrda', **STREETS_HRDA, **STREETS_MIC),
            streets('mic_hrda_ssr', 'daformer_ssr', 'mic_hrda', **STREETS_HRDA,
                    **STREETS_MIC),
            streets('oracle', 'source_only', **STREETS_ORACLE)))),
        'Streets', 'daformer'),
]
