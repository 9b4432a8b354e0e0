"""GTA -> Cityscapes, with the numbers of the papers."""
from dataclasses import replace
from typing import List

from ..labels.cityscapes import CLASSES
from .sources import (
    ADJUSTED_DACS,
    DAFORMER,
    HRDA,
    HRDA_README,
    MIC,
    MIC_BY_SSR,
    MIC_DLV2,
    OTHER_TRAINING,
    RETRAINED,
    SSR_METHODS,
    SSR_STAGES,
    VFM_README,
    VFM_UDA,
)
from .table import Experiment, Row, ious

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

EXPERIMENTS: List[Experiment] = [
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
        'vfm', 'VFM-UDA: DINOv2 students', VFM_UDA,
        (Row('dinov2_b', 'configs/vfm/gta2cs_vfmuda_dinov2_b.py', 77.1, (42, ),
             source=VFM_README, note=RETRAINED),
         Row('dinov2_l', 'configs/vfm/gta2cs_vfmuda_dinov2_l.py', 78.4, (42, ),
             source=VFM_README, note=RETRAINED),
         Row('dinov2_b_ssr', 'configs/vfm/gta2cs_vfmuda_ssr_dinov2_b.py', seeds=(42, ))),
        baseline='dinov2_b'),
]
