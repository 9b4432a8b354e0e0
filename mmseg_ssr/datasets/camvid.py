"""CamVid: real driving scenes in Cambridge, by day and at dusk."""
from typing import Dict, List, Mapping, Optional, Sequence

from mmseg.datasets.builder import DATASETS

from ..errors import ConfigError, MissingFile, nearest
from ..labels.camvid import CLASSES, GROUPS, PALETTE, SEQUENCES, VOID, VOID_COLOR
from ..utils.registration import register
from .detailed_scores import DetailedScores
from .folder import FolderDataset

#: Classes as :class:`.FolderDataset` takes them: values of SegNet's labels, colors of CamVid's.
TABLE = [dict(name=name, ids=[value], color=[list(color) for color in GROUPS[name].values()])
         for value, name in enumerate(CLASSES)]
IGNORE = [VOID, list(VOID_COLOR)]


@register(DATASETS)
class CamVidDataset(DetailedScores, FolderDataset):
    """CamVid (Brostow et al., 2009) in the 11 classes of SegNet, scored for each sequence too.

    The label of ``train/NAME.png`` is ``trainannot/NAME.png`` in SegNet's tutorial, and so on for
    ``val`` and ``test``. CamVid's own release has ``701_StillsRaw_full/NAME.png`` with
    ``LabeledApproved_full/NAME_L.png``, in the colors of 32 classes, which are grouped here. It
    needs ``seg_map_suffix='_L.png'``. Neither needs a conversion.

    Args:
        pipeline: steps as in mmseg.
        img_dir: folder of the frames, such as ``'train'``.
        sequences: the sequences to use, of ``0001TP`` (dusk), ``0006R0``, ``0016E5`` and
            ``Seq05VD`` (day). A frame's name begins with its sequence.
        ann_dir, seg_map_suffix, split, data_root, test_mode: as in :class:`.FolderDataset`.

    Raises:
        ConfigError: a sequence is unknown, or there is none.
        MissingFile: ``img_dir`` holds no frame of the sequences.
    """

    CLASSES = CLASSES
    PALETTE = [list(color) for color in PALETTE]
    #: What to do about an unknown value in a label.
    REMEDY = ("expected SegNet's ids 0 to 11, or the colors of CamVid's own labels: give the "
              "folder of one of these releases (docs/real_data.md), or type='FolderDataset' with "
              'your own classes')

    def __init__(self,
                 pipeline: Sequence[dict],
                 img_dir: str,
                 ann_dir: Optional[str] = None,
                 sequences: Sequence[str] = tuple(SEQUENCES),
                 seg_map_suffix: str = '.png',
                 split: Optional[str] = None,
                 data_root: Optional[str] = None,
                 test_mode: bool = False):
        self.check_config(dict(sequences=sequences))
        self.sequences = tuple(sequences)
        super().__init__(pipeline, img_dir, TABLE, ann_dir, IGNORE, '.png', seg_map_suffix, split,
                         data_root, test_mode)

    @staticmethod
    def check_config(config: Mapping) -> None:
        """Raise :class:`ConfigError` for an unknown sequence, and for none."""
        chosen = config.get('sequences', tuple(SEQUENCES))
        if not chosen or isinstance(chosen, str):
            raise ConfigError(f'sequences must be a list of some of {", ".join(SEQUENCES)}, got '
                              f'{chosen!r}')
        for name in chosen:
            if name not in SEQUENCES:
                raise ConfigError(f'sequences holds {name!r}{nearest(name, SEQUENCES)}, valid are '
                                  f'{", ".join(SEQUENCES)}')

    @property
    def takes_a_part(self) -> bool:
        """Whether only some of the sequences are used."""
        return set(self.sequences) != set(SEQUENCES)

    def list_images(self, img_dir: str, *arguments) -> List[Dict]:
        """List the frames of the sequences."""
        infos = super().list_images(img_dir, *arguments)
        chosen = [info for info in infos if _sequence(info) in self.sequences]
        if infos and not chosen:
            raise MissingFile(f'{img_dir} holds no frame of sequences={list(self.sequences)}, only '
                              f'of {sorted(set(map(_sequence, infos)))}: choose one of them')
        return chosen

    def image_groups(self) -> Dict[str, List[int]]:
        groups: Dict[str, List[int]] = {}
        for i, info in enumerate(self.img_infos):
            groups.setdefault(_sequence(info), []).append(i)
        return groups if len(groups) > 1 else {}


def _sequence(info: Mapping) -> str:
    return info['filename'].split('_')[0]
