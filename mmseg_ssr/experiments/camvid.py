"""CamVid: benchmarks of minutes on real photographs."""
from functools import partial
from typing import Any, Dict, List

from .streets import LARGE_MIC, RANDOM_ENCODER, SSR_PLUS, small_row
from .table import Experiment

#: The control of the encoder in the pseudo-labels: its maps, with random weights.
RANDOM_LABELS = {'uda.pseudo_label_encoder.checkpoint': None,
                 'data.train.target.encoder_maps': 'data/camvid_maps/random_1024'}

#: The mixed image's map is made of those of its two images.
COMPOSED = {'uda.mixed_maps': 'composed'}


def maps_of(source: str, encoder: str, size: int = 1024) -> Dict[str, Any]:
    """Return the keys of maps of whole frames.

    Args:
        source: name of the source in the folders of maps.
        encoder: name of the encoder there.
        size: pixels of the longer side that the encoder sees.
    """
    return {'uda.regularizer.encoder.input_size': size,
            'data.train.source.encoder_maps': f'data/camvid_maps/{source}_{encoder}_{size}',
            'data.train.target.encoder_maps': f'data/camvid_maps/{encoder}_{size}'}


def camvid(id: str, title: str, benchmark: str, prefix: str, source: str,
           trials: bool = False) -> Experiment:
    """Make the table of a benchmark on CamVid, with its oracle.

    Args:
        id: name of the table.
        title: what it shows.
        benchmark: source and target, as people read them.
        prefix: how the names of its configs begin.
        source: name of the source in the folders of maps.
        trials: also rows whose encoder sees crops, or serves the pseudo-labels.
    """
    row = partial(small_row, f'configs/camvid/{prefix}_', seeds=5)
    maps = {**COMPOSED, **maps_of(source, 'mobile_sam')}
    return Experiment(id, title, 'this repository', (
        row('source_only', 'source_only'),
        row('daformer', 'daformer'),
        *((row('daformer_ssr', 'daformer_ssr'),
           row('daformer_ssr_plus', 'daformer_ssr', **SSR_PLUS),
           row('daformer_ssr_plus_random', 'daformer_ssr', **SSR_PLUS, **RANDOM_ENCODER),
           row('daformer_ssr_plus_composed', 'daformer_ssr', **SSR_PLUS, **COMPOSED),
           row('daformer_affinity', 'daformer_affinity'),
           row('daformer_affinity_random', 'daformer_affinity', **RANDOM_LABELS))
          if trials else ()),
        row('daformer_ssr_maps', 'daformer_ssr', **maps),
        row('daformer_ssr_plus_maps', 'daformer_ssr', **maps, **SSR_PLUS),
        row('daformer_ssr_distilled', 'daformer_ssr_distilled'),
        row('daformer_ssr_distilled_random', 'daformer_ssr_distilled', **RANDOM_ENCODER,
            **maps_of(source, 'random')),
        row('daformer_ssr_distilled_512', 'daformer_ssr_distilled',
            **maps_of(source, 'mobile_sam', 512)),
        row('daformer_ssr_distilled_512_random', 'daformer_ssr_distilled', **RANDOM_ENCODER,
            **maps_of(source, 'random', 512)),
        row('daformer_ssr_distilled_256', 'daformer_ssr_distilled',
            **maps_of(source, 'mobile_sam', 256)),
        row('mic', 'daformer', **LARGE_MIC),
        row('mic_ssr_distilled', 'daformer_ssr_distilled', 'mic', **LARGE_MIC),
        row('oracle', 'oracle')),
        benchmark, 'daformer')


EXPERIMENTS: List[Experiment] = [
    camvid('camvid-dusk', 'Real to real: from day to dusk, on one core', 'CamVid day -> dusk',
           'camvid_dusk', 'day', trials=True),
    camvid('streets2camvid', 'Drawn to real, on one core', 'Streets -> CamVid', 'streets2camvid',
           'streets'),
]
