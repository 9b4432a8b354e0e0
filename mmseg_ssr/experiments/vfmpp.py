"""VFM-UDA++ with its published numbers, and SSR on it."""
from typing import Any, List, Optional

from .table import Experiment, Row

VFMPP = 'VFM-UDA++, arXiv 2503.10685'
VFMPP_README = 'README of github.com/tue-mps/vfm-uda-plusplus, "Main results"'

RETRAINED = 'the number is of a network that was trained anew; those of the paper were not seen'
OTHER_PART = ('published on another part of WildDash2: give its list of images as split for that '
              'number')
SIXTEEN = ('the number seems to be a mean over 16 classes, and README and config say ViT-B where a '
           'draft of the README says ViT-L')
NIGHT = 'the column is called Cityscapes, but the number seems to be of the 50 night images of val'
IN_NO_PAPER = 'in no paper'


def vfmpp(name: str, config: str, metric: str = '0_mIoU', published: Optional[float] = None,
          **options: Any) -> Row:
    """Make a row with the one seed of the published code."""
    return Row(name, f'configs/vfm/{config}.py', published, (0, ), metric=metric,
               source=VFMPP_README if published else '', **options)


def pair(name: str, config: str, published: float, of_wilddash: float, number: int = 1,
         mean: str = 'mIoU', note: str = RETRAINED, baseline: str = '') -> List[Row]:
    """Make the rows of one training: on its target, and on WildDash2, set ``number`` of the test.

    Args:
        baseline: name of the pair that this one is compared with, by default itself.
    """
    baseline = baseline or name
    return [vfmpp(name, config, f'0_{mean}', published, note=note, baseline=baseline),
            vfmpp(f'{name}_wilddash', config, f'{number}_{mean}', of_wilddash, note=OTHER_PART,
                  run=name, baseline=f'{baseline}_wilddash')]


EXPERIMENTS: List[Experiment] = [
    Experiment(
        'vfmpp', 'VFM-UDA++: DINOv2 with an adapter', VFMPP,
        (*pair('gta_l', 'gta2cs_vfmudapp_dinov2_l', 79.8, 69.0),
         vfmpp('gta_b', 'gta2cs_vfmudapp_dinov2_b', baseline='gta_b'),
         vfmpp('gta_s', 'gta2cs_vfmudapp_dinov2_s', note=IN_NO_PAPER, baseline='gta_b'),
         vfmpp('gta_l_ssr', 'gta2cs_vfmudapp_ssr_dinov2_l', note=IN_NO_PAPER),
         vfmpp('gta_b_ssr', 'gta2cs_vfmudapp_ssr_dinov2_b', note=IN_NO_PAPER, baseline='gta_b'),
         *pair('synth2real_l', 'synth2real_vfmudapp_dinov2_l', 82.2, 71.3, number=3,
               baseline='gta_l'),
         vfmpp('synth2real_b', 'synth2real_vfmudapp_dinov2_b', baseline='gta_b'),
         *pair('synthia_b', 'synthia2cs_vfmudapp_dinov2_b', 69.7, 56.1, mean='mIoU16',
               note=SIXTEEN),
         vfmpp('synthia_l', 'synthia2cs_vfmudapp_dinov2_l', '0_mIoU16', baseline='synthia_l',
               note=IN_NO_PAPER),
         *pair('darkzurich_l', 'cs2darkzurich_vfmudapp_dinov2_l', 68.7, 70.3, note=NIGHT)),
        'GTA and others -> Cityscapes and others', 'gta_l'),
]
