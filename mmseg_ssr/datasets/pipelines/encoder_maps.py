"""Maps of a frozen encoder that were made once of whole images, cut as the images are.

The encoder's pass is the larger part of SSR's cost. A map of the whole image, with random crops and
flips of it, costs nothing in training. The map also sees the whole image instead of a crop.
:mod:`mmseg_ssr.engine.whole_image_maps` makes the files.
"""
import os
from typing import Dict, Sequence

import numpy as np
import torch
from mmcv.parallel import DataContainer
from mmseg.datasets.builder import PIPELINES
from torch.nn import functional as F

from ...domains.target_pipeline import after_loading
from ...errors import ConfigError, DataError, MissingFile
from ...utils.registration import register

#: Key of a data set's config: the folder of its maps. Key of a sample: its map.
FOLDER, MAP = 'encoder_maps', 'encoder_map'
#: Place of each pixel of the image in the whole image.
PLACES = 'encoder_map_places'
#: Pixels of the image along a side of a cell of its map.
STRIDE = 8


def map_file(folder: str, image: str) -> str:
    """Return the path of the map of an image, whose path is relative to its data set's folder."""
    return os.path.join(folder, f'{os.path.splitext(image)[0]}.npy')


def with_maps(config: dict) -> dict:
    """Turn the key ``encoder_maps`` of a data set's config into steps of its pipeline.

    Raises:
        ConfigError: the pipeline does not begin with an image, or not end with ``Collect``.
    """
    if 'dataset' in config:
        return dict(config, dataset=with_maps(config['dataset']))
    if config.get(FOLDER) is None:
        return {key: value for key, value in config.items() if key != FOLDER}
    *steps, collect = after_loading(config['pipeline'], dict(type='PlacesOnMap'), 'Collect', FOLDER)
    steps += [dict(type='CutEncoderMap', folder=config[FOLDER]),
              dict(collect, keys=[*collect['keys'], MAP])]
    return dict({key: value for key, value in config.items() if key != FOLDER}, pipeline=steps)


@register(PIPELINES)
class PlacesOnMap:
    """Adds the place of each pixel in the whole image, H x W x 2 float32: x and y in -1..1.

    The step belongs right after the loading of the image. The places are one of the ``seg_fields``,
    which mmseg's steps resize (nearest), crop, flip, rotate and pad together with the image.
    """

    def __call__(self, results: Dict) -> Dict:
        rows, columns = ((2 * np.arange(side, dtype=np.float32) + 1) / side - 1
                         for side in results['img'].shape[:2])
        results[PLACES] = np.stack(np.meshgrid(columns, rows), axis=2)
        results['seg_fields'].append(PLACES)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@register(PIPELINES)
class CutEncoderMap:
    """Adds ``encoder_map``, the part of the whole image's map that the image shows.

    The step belongs right before ``Collect``. A cell of the map is 8 x 8 pixels of the image, whose
    sides must be multiples of 8. Cells in padding are 0.

    Args:
        folder: folder of the maps.

    Raises:
        ConfigError: the image's sides are no multiples of 8.
        MissingFile: the image has no map.
        DataError: the map's file is damaged.
    """

    def __init__(self, folder: str):
        self.folder = folder

    def __call__(self, results: Dict) -> Dict:
        places = torch.from_numpy(cells(results.pop(PLACES)))
        results['seg_fields'].remove(PLACES)
        whole = torch.from_numpy(self._read(results['img_info']['filename'])).float()
        cut = F.grid_sample(whole[None], places[None], padding_mode='border', align_corners=False)
        results[MAP] = DataContainer(cut[0] * (places.abs() <= 1).all(dim=2), stack=True)
        return results

    def _read(self, image: str) -> np.ndarray:
        path = map_file(self.folder, image)
        try:
            found = np.load(path)
            if found.ndim != 3:
                raise ValueError(f'it holds {found.ndim} dimensions, not 3')
            return found
        except FileNotFoundError:
            raise MissingFile(f'{path}, the map of {image}, is missing: make it with mmseg-ssr '
                              'encoder-maps CONFIG') from None
        except (ValueError, EOFError) as error:
            raise DataError(f'{path} is no map ({error}): remove it and make it again with '
                            'mmseg-ssr encoder-maps CONFIG') from error

    def __repr__(self) -> str:
        return f'{type(self).__name__}(folder={self.folder!r})'


def cells(places: np.ndarray) -> np.ndarray:
    """Return the mean place in each cell of 8 x 8 pixels, h x w x 2, outside -1..1 in padding.

    Raises:
        ConfigError: the sides are no multiples of 8.
    """
    height, width = places.shape[:2]
    if height % STRIDE or width % STRIDE:
        raise ConfigError(f'{FOLDER} needs crops whose sides are multiples of {STRIDE}, got '
                          f'{width} x {height} pixels: change crop_size of RandomCrop and size of '
                          'Pad in the pipeline')
    shape: Sequence[int] = (height // STRIDE, STRIDE, width // STRIDE, STRIDE, 2)
    return places.reshape(shape).mean(axis=(1, 3))
