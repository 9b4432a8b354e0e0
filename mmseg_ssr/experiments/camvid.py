"""CamVid: benchmarks of minutes on real photographs."""
from functools import partial
from typing import Any, Dict, List

from .streets import RANDOM_ENCODER, SSR_PLUS, STREETS_MIC, encoder_rows, small_row
from .table import Experiment

#: CamVid: crops have 192 rows, and blocks that divide them.
CAMVID_MIC = {**STREETS_MIC, 'uda.mask_generator': dict(
    type='block', mask_ratio=0.7, mask_block_size=16)}

#: The control of the encoder in the pseudo-labels: its maps, with random weights.
RANDOM_LABELS = {'uda.pseudo_label_encoder.checkpoint': None,
                 'data.train.target.encoder_maps': 'data/camvid_maps/random_1024'}

#: SSR *plus* whose regularization branch teaches the shadow branch. The weight was chosen of 1, 3
#: and 10 on Streets -> CamVid, on a seed that the tables do not use.
SSR_DISTILLED = {**SSR_PLUS, 'uda.distillation_weight': 3.}


def whole_frames(source: str, encoder: str = 'mobile_sam') -> Dict[str, Any]:
    """Return the changes to SSR for an encoder that sees whole frames at 1024 pixels, once.

    Args:
        source: name of the source in the folders of maps.
        encoder: name of the encoder there.
    """
    return {'uda.regularizer.encoder.input_size': 1024,
            'uda.mixed_maps': 'composed',
            'data.train.source.encoder_maps': f'data/camvid_maps/{source}_{encoder}_1024',
            'data.train.target.encoder_maps': f'data/camvid_maps/{encoder}_1024'}


def camvid(id: str, title: str, benchmark: str, prefix: str, source: str) -> Experiment:
    """Make the table of a benchmark on CamVid, with its oracle."""
    row = partial(small_row, f'configs/camvid/{prefix}_', seeds=5)
    maps = whole_frames(source)
    return Experiment(id, title, 'this repository', (
        *encoder_rows(f'configs/camvid/{prefix}_', CAMVID_MIC),
        row('daformer_ssr_plus_composed', 'daformer_ssr', **SSR_PLUS,
            **{'uda.mixed_maps': 'composed'}),
        row('daformer_ssr_maps', 'daformer_ssr', **maps),
        row('daformer_ssr_plus_maps', 'daformer_ssr', **maps, **SSR_PLUS),
        row('daformer_ssr_distilled', 'daformer_ssr', **maps, **SSR_DISTILLED),
        row('daformer_ssr_distilled_random', 'daformer_ssr', **whole_frames(source, 'random'),
            **SSR_DISTILLED, **RANDOM_ENCODER),
        row('mic_ssr_distilled', 'daformer_ssr', 'mic', **CAMVID_MIC, **maps, **SSR_DISTILLED),
        row('daformer_affinity', 'daformer_affinity'),
        row('daformer_affinity_random', 'daformer_affinity', **RANDOM_LABELS),
        row('mic_affinity', 'daformer_affinity', 'mic', **CAMVID_MIC),
        row('oracle', 'oracle')),
        benchmark, 'daformer')


EXPERIMENTS: List[Experiment] = [
    camvid('camvid-dusk', 'Real to real: from day to dusk, on one core', 'CamVid day -> dusk',
           'camvid_dusk', 'day'),
    camvid('streets2camvid', 'Drawn to real, on one core', 'Streets -> CamVid', 'streets2camvid',
           'streets'),
]
