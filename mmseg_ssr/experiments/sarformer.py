"""SARFormer on ADE20K, with its published numbers, and on Streets."""
from typing import Any, List, Optional

from .streets import STREETS_TEST, streets
from .table import Experiment, Row, with_shared

SARFORMER = 'SARFormer, Neurocomputing 635, 129915'
SARFORMER_README = 'README of github.com/cljhwt/SARFormer-Beta-'

OTHER_BASELINE = ('the published row says ViT-Adapter-B, but the config that it links is the large '
                  'one, and its head cannot take the two lists of maps of the published backbone')
OF_VIT_ADAPTER = ("ViT-Adapter's README has 58.3 for Mask2Former on this backbone, with a batch "
                  'of 16')
MISSING_CLASS = 'the published config names an auxiliary head whose class is not published'

#: A control: masks that no image decides.
RANDOM_MASKS = {'model.regions': dict(type='none')}


def sarformer_row(name: str, published: Optional[float] = None, **options: Any) -> Row:
    """Make a row of SARFormer's table on ADE20K, with one seed."""
    return Row(name, f'configs/sarformer/{name}_640_160k_bs4_ade20k.py', published, (0, ),
               source=SARFORMER_README if published else '', **options)


EXPERIMENTS: List[Experiment] = [
    Experiment(
        'sarformer', 'SARFormer: queries from the regions of SAM', SARFORMER,
        (sarformer_row('mask2former_beit_adapter_base', 56.51, note=OTHER_BASELINE),
         sarformer_row('sarformer_beit_base', 56.82, note=MISSING_CLASS),
         sarformer_row('mask2former_beit_adapter_large'),
         sarformer_row('sarformer_beit_large', 57.21, note=OF_VIT_ADAPTER,
                       baseline='mask2former_beit_adapter_large')),
        'ADE20K', 'mask2former_beit_adapter_base'),
    Experiment(
        'streets-sarformer', 'Do regions bring anything? (1200 iterations)', 'this repository',
        tuple(with_shared(STREETS_TEST, (
            streets('learned_queries', 'mask2former', 'random_masks', 5),
            streets('random_masks', 'sarformer', 'random_masks', 5, **RANDOM_MASKS),
            streets('regions', 'sarformer', 'random_masks', 5),
            *(streets(f'regions_{way}', 'sarformer', 'regions',
                      **{'model.decode_head.first_attention': way})
              for way in ('outside', 'inside')),
            streets('daformer_random_masks', 'daformer_sarformer', 'random_masks', **RANDOM_MASKS),
            streets('daformer_regions', 'daformer_sarformer', 'daformer_random_masks')))),
        'Streets', 'random_masks'),
]
