"""Street scenes in several looks, with the object at each pixel and the kind of its shape."""
from dataclasses import replace
from functools import partial
from typing import Iterator, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from ..streets.look import random_look
from ..streets.painter import paint
from ..streets.raster import rasterize
from ..streets.scene import make_scene
from ..utils.parallel import Progress, parallel_map
from .shapes import describe, sort_into_kinds

#: Number of a random stream that no split of the benchmark uses.
SCENE_STREAM = 1000

#: Normalization of mmseg and of SAM: RGB, 0..255.
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)

#: Kind of objects that are not sorted, namely the car's own bonnet.
UNSORTED = -1


class Scenes(NamedTuple):
    """N scenes in L looks each.

    Attributes:
        images: uint8, N x L x H x W x 3, RGB.
        objects: int16, N x H x W, the number of the object, which has no class.
        kinds: int16, N x H x W, the kind of the object's shape (see :mod:`.shapes`), or -1.
    """
    images: np.ndarray
    objects: np.ndarray
    kinds: np.ndarray


class Batch(NamedTuple):
    """Crops of B scenes, each in two looks.

    Attributes:
        first, second: B x 3 x S x S, normalized, the same scene in different looks.
        objects, kinds: B x S x S, int64, as in :class:`Scenes`.
    """
    first: Tensor
    second: Tensor
    objects: Tensor
    kinds: Tensor


def draw_scenes(count: int, looks: int = 2, size: Tuple[int, int] = (256, 128), kinds: int = 128,
                seed: int = 0, workers: int = 1, progress: Optional[Progress] = None) -> Scenes:
    """Draw scenes that no split of Streets has, in random looks (never with the target's palette).

    Args:
        count: number of scenes.
        looks: number of pictures of each scene.
        size: (width, height) in pixels.
        kinds: number of kinds into which the objects of all scenes are sorted by shape.
        seed: seed of scenes, looks and kinds. The result does not depend on ``workers``.
        workers: number of processes that draw.
        progress: shows the progress.
    """
    drawn = parallel_map(partial(_draw, looks=looks, size=size, seed=seed), range(count), workers,
                         progress)
    ends = np.cumsum([len(scene.shapes) for scene in drawn])
    sorted_ = np.split(sort_into_kinds(np.concatenate([scene.shapes for scene in drawn]), kinds,
                                       seed), ends[:-1])
    return Scenes(np.stack([scene.images for scene in drawn]),
                  np.stack([scene.objects for scene in drawn]),
                  np.stack([_kinds(scene, of) for scene, of in zip(drawn, sorted_)]))


class _Drawn(NamedTuple):
    """One scene: as in ``Scenes``, with the objects below the bonnet and their M descriptions."""
    images: np.ndarray
    objects: np.ndarray
    uncovered: np.ndarray
    shapes: np.ndarray


def _draw(index: int, looks: int, size: Tuple[int, int], seed: int) -> _Drawn:
    rng = np.random.default_rng([seed, SCENE_STREAM, index])
    scene = make_scene(rng, index, bonnet=index % 2 == 1)
    raster = rasterize(scene, size)
    pictures = [paint(raster, random_look(rng), rng) for _ in range(looks)]
    # the road's shape must not reveal the camera: the source's sees no bonnet
    bare = rasterize(replace(scene, bonnet=False), size)
    return _Drawn(np.stack(pictures), raster.things.astype(np.int16),
                  bare.things.astype(np.int16), describe(bare.things, bare.coarse))


def _kinds(scene: _Drawn, kinds: np.ndarray) -> np.ndarray:
    """Kinds at each pixel, H x W, from the kinds of the scene's M objects."""
    places = np.searchsorted(np.unique(scene.uncovered), scene.uncovered)
    return np.where(scene.objects == scene.uncovered, kinds[places], UNSORTED).astype(np.int16)


def batches(scenes: Scenes, batch: int, crop: int, seed: int) -> Iterator[Batch]:
    """Yield random square crops endlessly, flipped at random.

    Args:
        batch: number of scenes in a batch.
        crop: side in pixels, at most the images' height.
        seed: seed of the order, crops, flips and looks.
    """
    rng = np.random.default_rng([seed, SCENE_STREAM + 1])
    height, width = scenes.objects.shape[1:]
    while True:
        first, second, objects, kinds = [], [], [], []
        for index in rng.integers(len(scenes.objects), size=batch):
            top, left = rng.integers(height - crop + 1), rng.integers(width - crop + 1)
            window = slice(top, top + crop), slice(left, left + crop)
            step = -1 if rng.random() < 0.5 else 1
            looks = rng.permutation(scenes.images.shape[1])[:2]
            a, b = (scenes.images[(index, look, *window)][:, ::step] for look in looks)
            first.append(a)
            second.append(b)
            objects.append(scenes.objects[(index, *window)][:, ::step])
            kinds.append(scenes.kinds[(index, *window)][:, ::step])
        yield Batch(normalize(np.stack(first)), normalize(np.stack(second)),
                    *(torch.from_numpy(np.stack(maps).astype(np.int64))
                      for maps in (objects, kinds)))


def normalize(images: np.ndarray) -> Tensor:
    """Map uint8 B x H x W x 3, RGB, to float32 B x 3 x H x W as in mmseg's pipelines."""
    scaled = (images.astype(np.float32) - np.float32(MEAN)) / np.float32(STD)
    return torch.from_numpy(scaled.transpose(0, 3, 1, 2).copy())
