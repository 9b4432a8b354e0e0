"""The tables of the papers as data: configs, seeds and expected numbers."""
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .labels.cityscapes import CLASSES, SIXTEEN


@dataclass(frozen=True)
class Row:
    """One line of a table: a config, trained once for every seed.

    Attributes:
        name: name that is unique in its table.
        published: ``metric`` in percent as the source states it, or None if none was found.
        seeds: seeds of the published code. SSR's code has one seed, its baselines' have three. If
            a difference must be told from chance, rows of SSR have three too.
        overrides: changes to the config, as in ``--cfg-options``.
        metric: score of ``result.json`` that is compared, as ``mIoU16`` for the 16 classes of
            SYNTHIA.
        source: where ``published`` is stated. It says so if nobody has seen the page yet.
        classes: published IoU in percent by class.
        note: difference in meaning between the published and the measured number.
        baseline: row to compare this one with, if it is not the table's baseline.
        run: name that the folders of its trainings begin with, by default ``name``. Rows of one
            ``run`` read different scores of the same trainings.
    """
    name: str
    config: str
    published: Optional[float] = None
    seeds: Tuple[int, ...] = (0, 1, 2)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    metric: str = 'mIoU'
    source: str = ''
    classes: Mapping[str, float] = field(default_factory=dict)
    note: str = ''
    baseline: Optional[str] = None
    run: Optional[str] = None


@dataclass(frozen=True)
class Experiment:
    """A table: methods on one benchmark.

    Attributes:
        id: argument of ``mmseg-ssr table``.
        source: paper and table.
        benchmark: source -> target data set.
        baseline: name of the row to compare the others with, seed by seed.
    """
    id: str
    title: str
    source: str
    rows: Tuple[Row, ...]
    benchmark: str = 'GTA -> Cityscapes'
    baseline: Optional[str] = None


SSR = 'SSR, arXiv 2401.14686'
SSR_STAGES = f'{SSR}, Table I'
SSR_METHODS = f'{SSR}, Table II'
DAFORMER = 'DAFormer, arXiv 2111.14887'
HRDA = 'HRDA, arXiv 2204.13132'
MIC = 'MIC, arXiv 2212.01322'
VFM_UDA = 'VFM-UDA, arXiv 2406.09896'
HRDA_README = 'README of github.com/lhoyer/HRDA'  # it quotes DAFormer's numbers too
NOT_CHECKED = 'quoted, not checked'
MIN_ENT = f'ADVENT, arXiv 1811.12833, Table 1 ({NOT_CHECKED})'
ADAPT_SEG_NET = f'AdaptSegNet, arXiv 1802.10349, Table 1 ({NOT_CHECKED})'
MIC_DLV2 = f'{MIC}, Table 1 ({NOT_CHECKED})'  # of HRDA and DAFormer too
MAX_SQUARE = 'MaxSquare, arXiv 1909.13589'
MAX_SQUARE_README = 'README of github.com/ZJULearning/MaxSquareLoss'
VFM_README = 'README of github.com/tue-mps/vfm-uda'

ON_TEST = 'published on the test split (benchmark server), measured on the validation split'
ONE_STAGE = 'from ImageNet weights and without flip testing, as its own paper trains it'
MIN_ENT_WEIGHT = 'the weight is that of its own paper, MaxSquare\'s README states none'
MIC_BY_SSR = ('its own paper prints 70.6, SSR\'s table 70.1; the classes in that table average to '
              '70.2')
OTHER_TRAINING = ('the published row is a training by others; here DACS trains with DAFormer\'s '
                  'optimizer')
ADJUSTED_DACS = ('the published row is the paper\'s own training; here the predictions of DACS get '
                 'its inference adjustment')
RETRAINED = 'the number is of the published checkpoint, trained anew; the paper has others'


def ious(names: Sequence[str], numbers: str) -> Dict[str, float]:
    """The IoU of each class from a line of a paper's table."""
    return dict(zip(names, map(float, numbers.split())))


# The classes' IoUs below come from MIC's Table 2, which quotes DAFormer's and HRDA's. Those of
# MIC (DAFormer) come from its supplement. SSR's numbers are only in the tables of its paper.
source_only = Row('source_only', 'configs/daformer/gta2cs_source_only_mitb5.py')
oracle = Row('oracle', 'configs/daformer/cs_oracle_mitb5.py')
daformer = Row('daformer', 'configs/daformer/gta2cs_daformer_mitb5.py', published=68.3,
               source=HRDA_README, classes=ious(CLASSES, (
                   '95.7 70.2 89.4 53.5 48.1 49.6 55.8 59.4 89.9 47.9 92.5 72.2 44.7 92.3 74.5 '
                   '78.2 65.1 55.9 61.8')))
daformer_ssr = Row('daformer_ssr', 'configs/sam/daformer_sam_vit_b.py', published=69.3,
                   source=SSR_METHODS, classes=ious(CLASSES, (
                       '96.5 73.2 89.4 54.4 43.3 50.4 56.5 61.2 90.0 45.4 92.8 72.4 45.8 93.0 80.4 '
                       '79.3 70.5 58.4 64.7')))
hrda = Row('hrda', 'configs/hrda/gta2cs_hrda_mitb5.py', published=73.8, source=HRDA_README,
           classes=ious(CLASSES, (
               '96.4 74.4 91.0 61.6 51.5 57.1 63.9 69.3 91.3 48.4 94.2 79.0 52.9 93.9 84.1 85.7 '
               '75.9 63.9 67.5')))
mic = Row('mic_daformer', 'configs/mic/gta2cs_mic_daformer_mitb5.py', published=70.6, source=MIC,
          classes=ious(CLASSES, (
              '96.7 75.0 90.0 58.2 50.4 51.1 56.7 62.1 90.2 51.3 92.9 72.4 47.1 92.8 78.9 83.4 '
              '75.6 54.2 62.6')))
mic_by_ssr = replace(mic, published=70.1, source=SSR_METHODS, note=MIC_BY_SSR,
                     classes=ious(CLASSES, (
                         '96.9 76.2 90.2 59.1 50.7 52.8 55.6 60.5 90.0 49.0 92.8 73.2 48.0 92.6 '
                         '75.8 83.7 69.4 54.1 62.7')))
mic_ssr = Row('mic_daformer_ssr', 'configs/sam/daformer_mic_sam_vit_b.py', published=70.6,
              source=SSR_METHODS, baseline='mic_daformer', classes=ious(CLASSES, (
                  '97.3 78.2 90.2 58.1 51.9 52.8 56.2 64.6 89.8 46.7 91.9 72.7 45.6 92.9 82.5 78.8 '
                  '72.0 56.1 63.8')))
dacs = Row('dacs', 'configs/daformer/gta2cs_dacs_label_shift_dlv2red_r101.py', published=57.8,
           source=SSR_METHODS, note=OTHER_TRAINING, baseline='dacs', classes=ious(CLASSES, (
               '95.0 68.3 87.6 36.8 35.0 37.4 50.0 53.2 88.3 46.0 88.9 68.7 43.1 88.1 50.7 54.2 '
               '1.0 47.8 57.2')))
dacs_label_shift = replace(
    dacs, name='dacs_label_shift', run='dacs', metric='label-shift_mIoU', published=59.3,
    note=ADJUSTED_DACS, classes=ious(CLASSES, (
        '92.9 52.7 87.2 39.4 41.3 43.9 55.0 52.9 89.3 48.2 91.2 71.4 36.0 90.2 67.9 59.8 0.0 48.5 '
        '59.3')))
mic_hrda = Row('mic_hrda', 'configs/mic/gta2cs_mic_hrda_mitb5.py', published=75.9,
               source=f'{MIC}, abstract', classes=ious(CLASSES, (
                   '97.4 80.1 91.7 61.2 56.9 59.7 66.0 71.3 91.7 51.4 94.3 79.8 56.1 94.6 85.4 '
                   '90.3 80.4 64.5 68.5')))
source_only_dlv2 = Row('source_only_dlv2red',
                       'configs/daformer/gta2cs_source_only_dlv2red_r101.py')
daformer_dlv2 = Row('daformer_dlv2red', 'configs/daformer/gta2cs_daformer_dlv2red_r101.py',
                    published=56.0, source=MIC_DLV2)
hrda_dlv2 = Row('hrda_dlv2red', 'configs/hrda/gta2cs_hrda_dlv2red_r101.py', published=63.0,
                source=MIC_DLV2)
oracle_dlv2 = Row('oracle_dlv2red', 'configs/daformer/cs_oracle_dlv2red_r101.py')
SYNTHIA_CLASSES = dict(
    daformer='84.5 40.7 88.4 41.5 6.5 50.0 55.0 54.6 86.0 89.8 73.2 48.2 87.2 53.2 53.9 61.7',
    hrda='85.2 47.7 88.8 49.5 4.8 57.2 65.7 60.9 85.3 92.9 79.4 52.8 89.0 64.7 63.9 64.9',
    mic_hrda='86.6 50.5 89.3 47.9 7.8 59.4 66.7 63.4 87.1 94.6 81.0 58.9 90.1 61.9 67.1 64.3')

# Streets: changes that turn the demo's DAFormer into the other methods. Sizes are those of the
# papers, divided as the crops are: 128 pixels here, 512 (MIC) and 1024 (HRDA) there.
STREETS_MIC = {
    'uda.mask_mode': 'separatetrgaug',
    'uda.mask_lambda': 1,
    'uda.mask_generator': dict(type='block', mask_ratio=0.7, mask_block_size=8),
}
#: CamVid: crops have 192 rows, and blocks that divide them.
CAMVID_MIC = {**STREETS_MIC, 'uda.mask_generator': dict(
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


def encoder_rows(begin: str, mic: Mapping[str, Any]) -> List[Row]:
    """Rows that show the encoder's effect on DAFormer, and on MIC with its keys ``mic``."""
    row = partial(small_row, begin, seeds=5)
    return [
        row('source_only', 'source_only'),
        row('daformer', 'daformer'),
        row('daformer_ssr', 'daformer_ssr'),
        row('daformer_ssr_plus', 'daformer_ssr', **SSR_PLUS),
        row('daformer_ssr_plus_random', 'daformer_ssr', **SSR_PLUS, **RANDOM_ENCODER),
        row('mic', 'daformer', **mic),
        row('mic_ssr_plus', 'daformer_ssr', 'mic', **mic, **SSR_PLUS),
    ]


def camvid(id: str, title: str, benchmark: str, prefix: str) -> Experiment:
    """Make the table of a benchmark on CamVid, with its oracle."""
    begin = f'configs/camvid/{prefix}_'
    return Experiment(id, title, 'this repository', (
        *encoder_rows(begin, CAMVID_MIC), small_row(begin, 'oracle', 'oracle', seeds=5)),
        benchmark, 'daformer')


def with_shared(overrides: Mapping[str, Any], rows: Iterable[Row]) -> Iterator[Row]:
    """Rows with shared ``overrides``, which their own override."""
    return (replace(row, overrides={**overrides, **row.overrides}) for row in rows)


def target_row(method: str, published: Optional[float] = None, prefix: str = 'gta2cs',
               folder: str = 'maxsquare', source: str = MAX_SQUARE_README, **options: Any) -> Row:
    """A row of a loss on target predictions with DeepLabV2, with one seed as published."""
    row = Row(method, f'configs/{folder}/{prefix}_{method}_dlv2red_r101.py', published, (0, ),
              source=source if published else '')
    return replace(row, **options)


def synthia_rows(method: str, sixteen: Optional[float] = None, thirteen: Optional[float] = None,
                 **options: Any) -> Iterator[Row]:
    """Rows of one training with the 16 classes of SYNTHIA, for the means over 16 and over 13."""
    row = target_row(method, sixteen, 'synthia2cs', source=MAX_SQUARE, **options)
    yield row
    if thirteen is not None:
        yield replace(row, name=f'{method}_13', run=method, metric='mIoU13', published=thirteen,
                      baseline='source_13')


def city_rows(number: int, city: str, source: float, maxsquare: float, iw: float) -> List[Row]:
    """Rows of a city, which is the test set ``number`` of the one source-only training."""
    baseline, prefix = f'{city}_source', f'cs2{city}'
    return [target_row('source', source, 'cs2crosscity', name=baseline, run='source',
                       metric=f'{number}_mIoU', baseline=baseline),
            target_row('maxsquare', maxsquare, prefix, name=f'{city}_maxsquare', baseline=baseline),
            target_row('maxsquare_iw', iw, prefix, name=f'{city}_maxsquare_iw', baseline=baseline)]


def benchmark(id: str, target: str, prefix: str, published: Mapping[str, float],
              others: Sequence[Tuple[str, str]], sources: Mapping[str, str],
              classes: Mapping[str, str], metric: str = 'mIoU',
              note: str = '') -> Experiment:
    """Make a table for another benchmark than GTA -> Cityscapes.

    It holds DAFormer, HRDA and MIC with their published numbers, and ``others`` (name, config)
    without.
    """
    rows = [Row('source_only', f'configs/daformer/{prefix}_source_only_mitb5.py', metric=metric)]
    rows += [Row(name, f'configs/{name.split("_")[0]}/{prefix}_{name}_mitb5.py', number,
                 metric=metric, source=sources.get(name, HRDA_README), note=note,
                 classes=ious(SIXTEEN, classes.get(name, '')))
             for name, number in published.items()]
    rows += [Row(name, f'configs/{config}.py', metric=metric) for name, config in others]
    return Experiment(id, f'DAFormer, HRDA, MIC and SSR, {target}',
                      f'{DAFORMER}; {HRDA}; {MIC}', tuple(rows), target, 'daformer')


EXPERIMENTS: List[Experiment] = [
    Experiment(
        'demo', 'Streets, the embedded data: minutes on a CPU', 'this repository',
        tuple(streets(name, name, **DEMO) for name in ('source_only', 'daformer', 'daformer_ssr')),
        'Streets', 'daformer'),
    Experiment(
        'streets', 'Does a frozen, domain-robust encoder help? (1200 iterations, five seeds)',
        'this repository', tuple(with_shared(STREETS_TEST, (
            *encoder_rows('configs/demo/', STREETS_MIC),
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
        'this repository', tuple(with_shared(STREETS_LARGE, encoder_rows('configs/demo/', {
            **STREETS_MIC, 'uda.mask_generator': dict(
                type='block', mask_ratio=0.7, mask_block_size=16)}))),
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
    camvid('camvid-dusk', 'Real to real: from day to dusk, on one core', 'CamVid day -> dusk',
           'camvid_dusk'),
    camvid('streets2camvid', 'Drawn to real, on one core', 'Streets -> CamVid', 'streets2camvid'),
    Experiment(
        'ssr', 'GTA -> Cityscapes with and without SSR', SSR_METHODS,
        (dacs, dacs_label_shift, replace(daformer, source=SSR_METHODS), daformer_ssr, mic_by_ssr,
         mic_ssr),
        baseline='daformer'),
    Experiment(
        'ssr-stages', 'Which backbone stages SAM regularizes', SSR_STAGES,
        (replace(daformer, seeds=(0, ), source=SSR_STAGES),
         *(Row('stages_' + ''.join(str(stage) for stage in stages),
               'configs/sam/daformer_sam_vit_b.py', published, (0, ), {'uda.stop_stage': stages},
               source=SSR_STAGES)
           for stages, published in (([0], 68.8), ([0, 1], 69.0), ([0, 1, 2], 68.7),
                                     ([0, 1, 2, 3], 69.3)))),
        baseline='daformer'),
    Experiment(
        'label-shift', 'DACS with predictions corrected for label shift (arXiv 2204.05546)',
        SSR_METHODS, (dacs, dacs_label_shift), baseline='dacs'),
    Experiment(
        'daformer', 'DAFormer with its lower and upper bound', DAFORMER,
        (source_only, daformer, oracle), baseline='source_only'),
    Experiment(
        'daformer-networks', 'DAFormer\'s training of other networks', DAFORMER,
        (source_only_dlv2,
         Row('dacs_dlv2red', 'configs/daformer/gta2cs_dacs_dlv2red_r101.py'),
         daformer_dlv2, oracle_dlv2,
         Row('segformer', 'configs/daformer/gta2cs_daformer_segformer_mitb5.py'),
         Row('upernet', 'configs/daformer/gta2cs_daformer_upernet_mitb5.py'),
         daformer), baseline='daformer'),
    Experiment(
        'hrda', 'HRDA on DAFormer and on DeepLabV2', HRDA,
        (daformer, hrda, daformer_dlv2, replace(hrda_dlv2, baseline='daformer_dlv2red')),
        baseline='daformer'),
    Experiment(
        'mic', 'MIC on DAFormer, on HRDA and on DeepLabV2', MIC,
        (daformer, mic, hrda, replace(mic_hrda, baseline='hrda'),
         daformer_dlv2, Row('mic_daformer_dlv2red',
                            'configs/mic/gta2cs_mic_daformer_dlv2red_r101.py', 59.4,
                            source=MIC_DLV2, baseline='daformer_dlv2red'),
         hrda_dlv2, Row('mic_hrda_dlv2red', 'configs/mic/gta2cs_mic_hrda_dlv2red_r101.py', 64.2,
                        source=MIC_DLV2, baseline='hrda_dlv2red')),
        baseline='daformer'),
    Experiment(
        'maxsquare', 'Losses on target predictions: DeepLabV2, two stages', MAX_SQUARE,
        (target_row('source', 36.9),
         target_row('source_multi'),
         target_row('minent_two_stages', 42.2, note=MIN_ENT_WEIGHT),
         target_row('maxsquare', 44.3),
         target_row('maxsquare_iw', 45.2),
         target_row('maxsquare_iw_multi', 46.4),
         target_row('minent', 42.3, folder='minent', source=MIN_ENT, note=ONE_STAGE),
         target_row('advseg', 42.4, folder='advseg', source=ADAPT_SEG_NET, note=ONE_STAGE)),
        baseline='source'),
    Experiment(
        'maxsquare-synthia', 'The same losses over 16 and 13 classes', MAX_SQUARE,
        (*synthia_rows('source', 30.1, 34.3),
         *synthia_rows('source_multi'),
         *synthia_rows('minent_two_stages', 38.0, 44.5, note=MIN_ENT_WEIGHT),
         *synthia_rows('maxsquare', 39.3, 45.8),
         *synthia_rows('maxsquare_iw', 40.4, 46.9),
         *synthia_rows('maxsquare_iw_multi', 41.4, 48.2)),
        'SYNTHIA -> Cityscapes', 'source'),
    Experiment(
        'maxsquare-crosscity', 'The same losses on four cities, 13 classes', MAX_SQUARE,
        (*city_rows(0, 'rome', 51.0, 53.9, 54.5),
         *city_rows(1, 'rio', 48.9, 52.0, 53.3),
         *city_rows(2, 'tokyo', 47.8, 49.7, 50.5),
         *city_rows(3, 'taipei', 46.3, 49.8, 50.6)),
        'Cityscapes -> NTHU Cross-City'),
    Experiment(
        'vfm', 'VFM-UDA: DINOv2 students', VFM_UDA,
        (Row('dinov2_b', 'configs/vfm/gta2cs_vfmuda_dinov2_b.py', 77.1, (42, ),
             source=VFM_README, note=RETRAINED),
         Row('dinov2_l', 'configs/vfm/gta2cs_vfmuda_dinov2_l.py', 78.4, (42, ),
             source=VFM_README, note=RETRAINED),
         Row('dinov2_b_ssr', 'configs/vfm/gta2cs_vfmuda_ssr_dinov2_b.py', seeds=(42, ))),
        baseline='dinov2_b'),
    benchmark(
        'synthia', 'SYNTHIA -> Cityscapes', 'synthia2cs',
        dict(daformer=60.9, hrda=65.8, mic_hrda=67.3),
        [('daformer_ssr', 'sam/synthia2cs_daformer_sam_vit_b'),
         ('mic_daformer_ssr', 'sam/synthia2cs_daformer_mic_sam_vit_b'),
         ('oracle', 'daformer/cs_oracle_synthia_classes_mitb5')],
        dict(mic_hrda=f'{MIC}, Table 2'), SYNTHIA_CLASSES, metric='mIoU16'),
    benchmark(
        'acdc', 'Cityscapes -> ACDC', 'cs2acdc', dict(daformer=55.4, hrda=68.0, mic_hrda=70.4),
        [('daformer_ssr', 'sam/cs2acdc_daformer_sam_vit_b'),
         ('oracle', 'daformer/acdc_oracle_mitb5')],
        dict(mic_hrda='sotaverified.org, entry of arXiv 2212.01322'), {}, note=ON_TEST),
    benchmark(  # no oracle: Dark Zurich's training images have no labels
        'darkzurich', 'Cityscapes -> Dark Zurich', 'cs2darkzurich',
        dict(daformer=53.8, hrda=55.9, mic_hrda=60.2),
        [('daformer_ssr', 'sam/cs2darkzurich_daformer_sam_vit_b')],
        dict(mic_hrda=f'{MIC}, Table 2'), {}, note=ON_TEST),
    Experiment(  # no oracle: the cities' training images have no labels
        'crosscity', 'DAFormer and SSR on four cities, 13 classes', 'this repository',
        tuple(Row(f'{city}_{name}', f'configs/{folder}/cs2{city}_{config}.py',
                  baseline=f'{city}_daformer')
              for city in ('rome', 'rio', 'tokyo', 'taipei') for name, folder, config in (
                  ('source_only', 'daformer', 'source_only_mitb5'),
                  ('daformer', 'daformer', 'daformer_mitb5'),
                  ('daformer_ssr', 'sam', 'daformer_sam_vit_b'))),
        'Cityscapes -> NTHU Cross-City'),
]


def by_id() -> Dict[str, Experiment]:
    """The experiments by their ids."""
    return {experiment.id: experiment for experiment in EXPERIMENTS}
