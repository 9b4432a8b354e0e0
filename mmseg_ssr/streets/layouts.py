"""Folder layouts and file formats of Streets, which are those of published data sets."""
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from ..labels.camvid import camvid_table
from ..labels.cityscapes import CLASSES
from ..labels.conversion import SYNTHIA_TRAIN_IDS, train_id_table
from ..labels.published import MAPILLARY_IDS
from .labels import COLORS
from .look import (
    CONDITION_LOOKS,
    LookMaker,
    camera_look,
    game_look,
    night_look,
    twilight_look,
)

#: Encodes label ids, H x W uint8, as the content of a label file.
Encoder = Callable[[np.ndarray], bytes]

TRAIN_CITIES = ('northport', 'eastbridge', 'millford', 'oldharbour', 'stonefield')
VAL_CITIES = ('westhaven', 'greenhill', 'kingsmarket')
CROSS_CITIES = ('Rome', 'Rio', 'Tokyo', 'Taipei')
#: Classes of Cityscapes -> their value in labels of ADE20K, 1 to 150. The others are 0, "other".
ADE20K_IDS = {
    'road': 7, 'sidewalk': 12, 'building': 2, 'wall': 1, 'fence': 33, 'pole': 94,
    'traffic light': 137, 'traffic sign': 44, 'vegetation': 5, 'terrain': 10, 'sky': 3,
    'person': 13, 'rider': 13, 'car': 21, 'truck': 84, 'bus': 81, 'motorcycle': 117,
    'bicycle': 128}
#: "Unlabeled" in Mapillary Vistas.
MAPILLARY_OTHER = 65
#: Width of Synscapes' labels / width of its images of 2048 pixels.
SYNSCAPES_LABELS = 1440 / 2048
#: Names of the numbers of images that splits have, as in :func:`.make_streets`.
SOURCE, TRAIN, VAL = 'train_source', 'train_target', 'val_target'


def png(image: np.ndarray) -> bytes:
    """Encode H x W (gray) or H x W x 3 (RGB) uint8 as PNG, with unchanged label ids."""
    return _saved(Image.fromarray(image))


def palette_png(label_ids: np.ndarray) -> bytes:
    """Encode label ids as the indices of a palette, as in GTA5."""
    colors = np.zeros((256, 3), np.uint8)
    for label, color in COLORS.items():
        colors[label] = color
    image = Image.fromarray(label_ids)
    image.putpalette(colors.ravel().tolist())
    return _saved(image)


def train_id_png(label_ids: np.ndarray) -> bytes:
    """Encode train ids, as ACDC and Dark Zurich do."""
    return png(train_id_table()[label_ids])


def camvid_png(label_ids: np.ndarray) -> bytes:
    """Encode the 11 classes of CamVid."""
    return png(camvid_table()[label_ids])


def ade_png(label_ids: np.ndarray) -> bytes:
    """Encode the classes of ADE20K."""
    table = np.zeros(256, np.uint8)
    for name, value in ADE20K_IDS.items():
        table[CLASSES.index(name)] = value
    return png(table[train_id_table()[label_ids]])


def synthia_png(label_ids: np.ndarray) -> bytes:
    """Encode SYNTHIA's classes in the first of three 16-bit channels, an instance in the second."""
    of_train_id = np.zeros(256, np.uint16)
    for synthia_id, train_id in SYNTHIA_TRAIN_IDS.items():
        of_train_id[train_id] = synthia_id
    of_train_id[[9, 14, 16]] = 0  # SYNTHIA has no terrain, truck and train
    content = np.zeros((*label_ids.shape, 3), np.uint16)
    content[..., 2] = of_train_id[train_id_table()[label_ids]]  # OpenCV writes B, G, R
    content[..., 1] = 300 + content[..., 2]
    return cv2.imencode('.png', content)[1].tobytes()


def synscapes_png(label_ids: np.ndarray) -> bytes:
    """Encode label ids in the size of Synscapes' labels, which are smaller than its images."""
    size = tuple(round(SYNSCAPES_LABELS * side) for side in label_ids.shape[::-1])
    return png(cv2.resize(label_ids, size, interpolation=cv2.INTER_NEAREST))


def mapillary_png(label_ids: np.ndarray) -> bytes:
    """Encode ids of Mapillary Vistas as the indices of a palette, the first one of each class."""
    table = np.full(256, MAPILLARY_OTHER, np.uint8)
    table[:len(MAPILLARY_IDS)] = [ids[0] for ids in MAPILLARY_IDS]
    return palette_png(table[train_id_table()[label_ids]])


@dataclass(frozen=True)
class Split:
    """A part of a data set.

    Attributes:
        number: number of the split, which gives it its own random numbers.
        layout: the data set's folder.
        count: name of its number of images, :data:`SOURCE`, :data:`TRAIN` or :data:`VAL`.
        look: function that makes its looks.
        bonnet: whether the ego vehicle's bonnet is seen.
        image: file of an image in the folder, with fields ``{i}`` (0, 1, ...), ``{number}``
            (1, 2, ...), ``{place}`` (in turn) and ``{turn}`` (earlier images of the place).
        labels: files of its labels with their encoders, or none if labels are withheld.
        places: the values of ``{place}`` in ``image``.
    """

    number: int
    layout: str
    count: str
    look: LookMaker
    bonnet: bool
    image: str
    labels: Sequence[tuple[str, Encoder]]
    places: Sequence[str] = ('', )

    def files(self, index: int) -> tuple[str, list[tuple[str, Encoder]]]:
        """The image file, and the label files with their encoders, for image ``index``."""
        turn, place = divmod(index, len(self.places))
        fields = dict(i=index, number=index + 1, place=self.places[place], turn=turn)
        return (f'{self.layout}/{self.image.format(**fields)}',
                [(f'{self.layout}/{name.format(**fields)}', encode)
                 for name, encode in self.labels])


def encode_image(file: str, picture: np.ndarray) -> bytes:
    """Encode H x W x 3 uint8, RGB, in the format of the file's ending."""
    if file.endswith('.jpg'):
        return _saved(Image.fromarray(picture), 'JPEG', quality=92)
    return png(picture)


def _cityscapes(number: int, name: str, count: str, cities: Sequence[str]) -> Split:
    file = f'{name}/{{place}}/{{place}}_{{turn:06d}}_000019_'
    return Split(number, 'cityscapes', count, camera_look, True,
                 f'leftImg8bit/{file}leftImg8bit.png', [(f'gtFine/{file}gtFine_labelIds.png', png)],
                 cities)


def _adverse(number: int, layout: str, folder: str, count: str, look: LookMaker, recording: str,
             labeled: bool = True) -> Split:
    """Make a split of ACDC or Dark Zurich, which share their file names."""
    file = f'{folder}/{{place}}/{{place}}_frame_{{number:06d}}_'
    labels = [(f'gt/{file}gt_labelTrainIds.png', train_id_png),
              (f'gt/{file}gt_labelIds.png', png)]
    return Split(number, layout, count, look, False, f'rgb_anon/{file}rgb_anon.png',
                 labels if labeled else [], (f'GOPR{recording}', f'GP01{recording}'))


def _cross_city(number: int, city: str) -> list[Split]:
    train, test = (Split(number + i, 'NTHU_Datasets', count, camera_look, False,
                         f'{city}/Images/{file}', labels)
                   for i, (count, file, labels) in enumerate((
                       (TRAIN, 'Train/pano_{i:05d}_2_180.jpg', []),
                       (VAL, 'Test/pano_{i:05d}_0_180.png',
                        [(f'{city}/Labels/Test/pano_{{i:05d}}_0_180_eval.png', png)]))))
    return [train, test]


def _own(number: int, folder: str, count: str, look: LookMaker, labeled: bool) -> Split:
    labels = [(f'{folder.replace("images", "labels")}/{{place}}/{{turn:04d}}.png', png)]
    return Split(number, 'own', count, look, False, f'{folder}/{{place}}/{{turn:04d}}.jpg',
                 labels if labeled else [], ('monday', 'tuesday'))


def _camvid(number: int, folder: str, count: str, look: LookMaker, name: str,
            sequences: Sequence[str]) -> Split:
    return Split(number, 'camvid', count, look, False, f'{folder}/{name}',
                 [(f'{folder}annot/{name}', camvid_png)], sequences)


def _bdd(number: int, split: str, count: str, labeled: bool = True) -> Split:
    name = f'{split}/{{number:08x}}-0a0b0c0d'
    return Split(number, 'bdd100k', count, camera_look, True, f'images/10k/{name}.jpg',
                 [(f'labels/sem_seg/masks/{name}.png', train_id_png)] if labeled else [])


def _mapillary(number: int, split: str, count: str, labeled: bool = True) -> Split:
    name = '{number:016d}_aB-cD'
    return Split(number, 'mapillary', count, camera_look, True, f'{split}/images/{name}.jpg',
                 [(f'{split}/labels/{name}.png', mapillary_png)] if labeled else [])


def _ade(number: int, folder: str, count: str, name: str) -> Split:
    file = f'{folder}/ADE_{name}_{{number:08d}}'
    return Split(number, 'ade', count, camera_look, False,
                 f'ADEChallengeData2016/images/{file}.jpg',
                 [(f'ADEChallengeData2016/annotations/{file}.png', ade_png)])


SOURCE_TRAIN = Split(0, 'gta', SOURCE, game_look, False, 'images/{number:05d}.png',
                     [('labels/{number:05d}.png', palette_png)])
TARGET_TRAIN = _cityscapes(1, 'train', TRAIN, TRAIN_CITIES)
TARGET_VAL = _cityscapes(2, 'val', VAL, VAL_CITIES)

#: All splits. ``source_val`` has number 3.
SPLITS = (
    SOURCE_TRAIN, TARGET_TRAIN, TARGET_VAL,
    Split(10, 'synthia', SOURCE, game_look, False, 'RGB/{i:07d}.png',
          [('GT/LABELS/{i:07d}.png', synthia_png)]),
    *(_adverse(20 + 3 * i + j, 'acdc', f'{condition}/{split}', count, look, f'0{i}75',
               labeled=split != 'test')
      for i, (condition, look) in enumerate(CONDITION_LOOKS.items())
      for j, (split, count) in enumerate((('train', TRAIN), ('val', VAL), ('test', VAL)))),
    _adverse(40, 'dark_zurich', 'train/night', TRAIN, night_look, '0345', labeled=False),
    _adverse(41, 'dark_zurich', 'train/twilight', VAL, twilight_look, '0343', labeled=False),
    _adverse(42, 'dark_zurich', 'train/day', VAL, camera_look, '0341', labeled=False),
    _adverse(43, 'dark_zurich', 'val/night', VAL, night_look, '0356'),
    _adverse(44, 'dark_zurich', 'test/night', VAL, night_look, '0364', labeled=False),
    *(split for i, city in enumerate(CROSS_CITIES) for split in _cross_city(50 + 2 * i, city)),
    _camvid(70, 'train', SOURCE, camera_look, '{place}{turn:05d}.png', ('0006R0_f', '0016E5_')),
    _camvid(71, 'train', TRAIN, twilight_look, '{place}_{turn:06d}.png', ('0001TP', )),
    _camvid(72, 'val', VAL, camera_look, '{place}_{turn:05d}.png', ('0016E5', )),
    _camvid(73, 'test', VAL, twilight_look, '{place}_{turn:06d}.png', ('0001TP', )),
    _camvid(74, 'test', VAL, camera_look, '{place}_f{turn:05d}.png', ('Seq05VD', )),
    _ade(80, 'training', SOURCE, 'train'),
    _ade(81, 'validation', VAL, 'val'),
    Split(90, 'synscapes', SOURCE, camera_look, False, 'img/rgb-2k/{number}.png',
          [('img/class/{number}.png', synscapes_png)]),
    _bdd(91, 'train', TRAIN), _bdd(92, 'val', VAL), _bdd(93, 'test', VAL, labeled=False),
    _mapillary(94, 'training', TRAIN), _mapillary(95, 'validation', VAL),
    _mapillary(96, 'testing', VAL, labeled=False),
    Split(97, 'wilddash', TRAIN, camera_look, True, 'images/{place}{i:04d}_100000.jpg',
          [('labels/{place}{i:04d}_100000.png', png)], ('de', 'is', 'us')),
    _own(60, 'source/images', SOURCE, game_look, labeled=True),
    _own(61, 'target/images/train', TRAIN, camera_look, labeled=False),
    _own(62, 'target/images/val', VAL, camera_look, labeled=True),
)
LAYOUTS = tuple(dict.fromkeys(split.layout for split in SPLITS))
#: The default layouts.
GTA_TO_CITYSCAPES = ('gta', 'cityscapes')


def _saved(image: Image.Image, kind: str = 'PNG', **options: int) -> bytes:
    content = io.BytesIO()
    image.save(content, format=kind, **(options or dict(compress_level=1)))
    return content.getvalue()
