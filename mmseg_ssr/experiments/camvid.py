"""CamVid: benchmarks of minutes on real photographs."""
from typing import List

from .streets import STREETS_MIC, encoder_rows, small_row
from .table import Experiment

#: CamVid: crops have 192 rows, and blocks that divide them.
CAMVID_MIC = {**STREETS_MIC, 'uda.mask_generator': dict(
    type='block', mask_ratio=0.7, mask_block_size=16)}


def camvid(id: str, title: str, benchmark: str, prefix: str) -> Experiment:
    """Make the table of a benchmark on CamVid, with its oracle."""
    begin = f'configs/camvid/{prefix}_'
    return Experiment(id, title, 'this repository', (
        *encoder_rows(begin, CAMVID_MIC), small_row(begin, 'oracle', 'oracle', seeds=5)),
        benchmark, 'daformer')


EXPERIMENTS: List[Experiment] = [
    camvid('camvid-dusk', 'Real to real: from day to dusk, on one core', 'CamVid day -> dusk',
           'camvid_dusk'),
    camvid('streets2camvid', 'Drawn to real, on one core', 'Streets -> CamVid', 'streets2camvid'),
]
