"""SYNTHIA -> Cityscapes, and Cityscapes to bad weather, to the night and to other cities."""
from typing import List, Mapping, Sequence, Tuple

from ..labels.cityscapes import SIXTEEN
from .sources import DAFORMER, HRDA, HRDA_README, MIC, ON_TEST
from .table import Experiment, Row, ious

SYNTHIA_CLASSES = dict(
    daformer='84.5 40.7 88.4 41.5 6.5 50.0 55.0 54.6 86.0 89.8 73.2 48.2 87.2 53.2 53.9 61.7',
    hrda='85.2 47.7 88.8 49.5 4.8 57.2 65.7 60.9 85.3 92.9 79.4 52.8 89.0 64.7 63.9 64.9',
    mic_hrda='86.6 50.5 89.3 47.9 7.8 59.4 66.7 63.4 87.1 94.6 81.0 58.9 90.1 61.9 67.1 64.3')


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
