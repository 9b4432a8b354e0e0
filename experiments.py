"""The tables of the papers as data: which configs, which seeds, which numbers to expect."""
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple


@dataclass(frozen=True)
class Row:
    """One line of a table: a config, trained once for every seed.

    Attributes:
        name: unique in its table; the folder of its results begins with it.
        published: ``metric`` in percent as the source states it; None where none was found.
        seeds: those of the published code; three, as their baselines', where it has SSR's one
            and a difference is to be told from chance.
        overrides: what differs from the config, as in ``--cfg-options``.
        metric: score of ``result.json`` that is compared, as ``mIoU16`` for the 16 classes of
            SYNTHIA.
        source: where ``published`` is stated.
        note: in what the published and the measured number differ.
        baseline: row that this one is compared with, if not the table's.
    """
    name: str
    config: str
    published: Optional[float] = None
    seeds: Tuple[int, ...] = (0, 1, 2)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    metric: str = 'mIoU'
    source: str = ''
    note: str = ''
    baseline: Optional[str] = None


@dataclass(frozen=True)
class Experiment:
    """A table: methods on one benchmark.

    Attributes:
        id: what ``run_experiments.py --exp`` is given.
        source: paper and table.
        benchmark: source -> target data set.
        baseline: name of the row that the others are compared with, seed by seed.
    """
    id: str
    title: str
    source: str
    rows: Tuple[Row, ...]
    benchmark: str = 'GTA -> Cityscapes'
    baseline: Optional[str] = None


SSR = 'SSR, arXiv 2401.14686'
DAFORMER = 'DAFormer, arXiv 2111.14887'
HRDA = 'HRDA, arXiv 2204.13132'
MIC = 'MIC, arXiv 2212.01322'
VFM_UDA = 'VFM-UDA, arXiv 2406.09896'
HRDA_README = 'README of github.com/lhoyer/HRDA'  # quotes DAFormer's numbers too
VFM_README = 'README of github.com/tue-mps/vfm-uda'

ON_TEST = 'published on the test split (benchmark server), measured on the validation split'
RETRAINED = 'the number is of the published checkpoint, trained anew; the paper has others'

source_only = Row('source_only', 'configs/daformer/gta2cs_source_only_mitb5.py')
oracle = Row('oracle', 'configs/daformer/cs_oracle_mitb5.py')
daformer = Row('daformer', 'configs/daformer/gta2cs_daformer_mitb5.py', published=68.3,
               source=HRDA_README)
daformer_ssr = Row('daformer_ssr', 'configs/sam/daformer_sam_vit_b.py')
hrda = Row('hrda', 'configs/hrda/gta2cs_hrda_mitb5.py', published=73.8, source=HRDA_README)
mic = Row('mic_daformer', 'configs/mic/gta2cs_mic_daformer_mitb5.py', published=70.6, source=MIC)
mic_hrda = Row('mic_hrda', 'configs/mic/gta2cs_mic_hrda_mitb5.py', published=75.9,
               source=f'{MIC}, abstract')
daformer_dlv2 = Row('daformer_dlv2red', 'configs/daformer/gta2cs_daformer_dlv2red_r101.py')
hrda_dlv2 = Row('hrda_dlv2red', 'configs/hrda/gta2cs_hrda_dlv2red_r101.py')

# Streets: what turns the demo's DAFormer into the other methods. Sizes are those of the papers
# divided as the crops are: 128 pixels here, 512 (MIC) and 1024 (HRDA) there.
STREETS_MIC = {
    'uda.mask_mode': 'separatetrgaug',
    'uda.mask_lambda': 1,
    'uda.mask_generator': dict(type='block', mask_ratio=0.7, mask_block_size=8),
}
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


def streets(name: str, config: str, baseline: str = 'daformer', **overrides: Any) -> Row:
    """A row on Streets: one seed, as every method gets the same small budget."""
    return Row(name, f'configs/demo/{config}.py', seeds=(0, ), overrides=overrides,
               baseline=baseline)


def benchmark(id: str, target: str, prefix: str, published: Mapping[str, Optional[float]],
              ssr: Tuple[Row, ...], **row: Any) -> Experiment:
    """DAFormer, HRDA, MIC and SSR on another benchmark than GTA -> Cityscapes."""
    source = dict(daformer=HRDA_README, hrda=HRDA_README, mic_hrda='')
    source.update(row.pop('sources', {}))
    rows = tuple(
        Row(name, f'configs/{name.split("_")[0]}/{prefix}_{name}_mitb5.py', published=number,
            source=source[name], **row) for name, number in published.items())
    return Experiment(id, f'DAFormer, HRDA, MIC and SSR, {target}',
                      f'{DAFORMER}; {HRDA}; {MIC}', rows + ssr, target, 'daformer')


EXPERIMENTS: List[Experiment] = [
    Experiment(
        'demo', 'Streets, the embedded data: minutes on a CPU', 'this repository',
        tuple(streets(name, name) for name in ('source_only', 'daformer', 'daformer_ssr')),
        'Streets', 'daformer'),
    Experiment(
        'streets-methods', 'All methods at one budget (1200 iterations, one seed)',
        'this repository', (
            streets('source_only', 'source_only'),
            streets('daformer', 'daformer'),
            streets('daformer_ssr', 'daformer_ssr'),
            streets('mic', 'daformer', **STREETS_MIC),
            streets('mic_ssr', 'daformer_ssr', 'mic', **STREETS_MIC),
            streets('hrda', 'daformer', **STREETS_HRDA),
            streets('hrda_ssr', 'daformer_ssr', 'hrda', **STREETS_HRDA),
            streets('mic_hrda', 'daformer', 'hrda', **STREETS_HRDA, **STREETS_MIC)),
        'Streets', 'daformer'),
    Experiment(
        'ssr', 'GTA -> Cityscapes with and without SSR', SSR,
        (daformer, daformer_ssr,
         mic, Row('mic_daformer_ssr', 'configs/sam/daformer_mic_sam_vit_b.py',
                  baseline='mic_daformer')),
        baseline='daformer'),
    Experiment(
        'ssr-stages', 'Which backbone stages SAM regularises', f'{SSR}, Table I',
        tuple(Row('stages_' + ''.join(str(stage) for stage in stages),
                  'configs/sam/daformer_sam_vit_b.py', seeds=(0, ),
                  overrides={'uda.stop_stage': stages})
              for stages in ([0], [0, 1], [0, 1, 2], [0, 1, 2, 3])),
        baseline='stages_0'),
    Experiment(
        'daformer', 'DAFormer with its lower and upper bound', DAFORMER,
        (source_only, daformer, oracle), baseline='source_only'),
    Experiment(
        'daformer-networks', 'DAFormer\'s training of other networks', DAFORMER,
        (Row('dacs_dlv2red', 'configs/daformer/gta2cs_dacs_dlv2red_r101.py'),
         daformer_dlv2,
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
                            'configs/mic/gta2cs_mic_daformer_dlv2red_r101.py',
                            baseline='daformer_dlv2red'),
         hrda_dlv2, Row('mic_hrda_dlv2red', 'configs/mic/gta2cs_mic_hrda_dlv2red_r101.py',
                        baseline='hrda_dlv2red')),
        baseline='daformer'),
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
        dict(daformer=60.9, hrda=65.8, mic_hrda=None),
        (Row('daformer_ssr', 'configs/sam/synthia2cs_daformer_sam_vit_b.py', metric='mIoU16'),
         Row('mic_daformer_ssr', 'configs/sam/synthia2cs_daformer_mic_sam_vit_b.py',
             metric='mIoU16')), metric='mIoU16'),
    benchmark(
        'acdc', 'Cityscapes -> ACDC', 'cs2acdc',
        dict(daformer=55.4, hrda=68.0, mic_hrda=70.4),
        (Row('daformer_ssr', 'configs/sam/cs2acdc_daformer_sam_vit_b.py'), ),
        note=ON_TEST, sources=dict(mic_hrda='sotaverified.org, entry of arXiv 2212.01322')),
    benchmark(
        'darkzurich', 'Cityscapes -> Dark Zurich', 'cs2darkzurich',
        dict(daformer=53.8, hrda=55.9, mic_hrda=None),
        (Row('daformer_ssr', 'configs/sam/cs2darkzurich_daformer_sam_vit_b.py'), ),
        note=ON_TEST),
]


def by_id() -> Dict[str, Experiment]:
    """The experiments by their ids."""
    return {experiment.id: experiment for experiment in EXPERIMENTS}
