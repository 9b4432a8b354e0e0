"""Losses on the predictions for target images, as MaxSquare compares them."""
from dataclasses import replace
from typing import Any, Iterator, List, Optional

from .sources import (
    ADAPT_SEG_NET,
    MAX_SQUARE,
    MAX_SQUARE_README,
    MIN_ENT,
    MIN_ENT_WEIGHT,
    ONE_STAGE,
)
from .table import Experiment, Row


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


EXPERIMENTS: List[Experiment] = [
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
]
