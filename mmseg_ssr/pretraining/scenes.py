"""Street scenes in several looks each, with the number of the object at each pixel."""
from functools import partial
from typing import Iterator, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from ..datasets.parallel import Progress, parallel_map
from ..datasets.streets.look import random_look
from ..datasets.streets.painter import paint
from ..datasets.streets.raster import rasterise
from ..datasets.streets.scene import make_scene

#: Keeps these scenes apart from those of every split of the benchmark.
SCENE_STREAM = 1000

#: Of mmseg, and of SAM: RGB, 0..255.
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


class Scenes(NamedTuple):
    """N scenes in L looks each.

    Attributes:
        images: uint8, N x L x H x W x 3, RGB.
        objects: int16, N x H x W, which object is seen; no class names.
    """
    images: np.ndarray
    objects: np.ndarray


class Batch(NamedTuple):
    """Crops of B scenes, each in two looks.

    Attributes:
        first, second: B x 3 x S x S, normalised; the same scene in different looks.
        objects: B x S x S, int64.
    """
    first: Tensor
    second: Tensor
    objects: Tensor


def draw_scenes(count: int, looks: int = 2, size: Tuple[int, int] = (256, 128), seed: int = 0,
                workers: int = 1, progress: Optional[Progress] = None) -> Scenes:
    """Draw scenes that no split of Streets has, in random looks (never the target's palette).

    Args:
        count: scenes.
        looks: pictures of each.
        size: (width, height) in pixels.
        seed: of scenes and looks; the result does not depend on ``workers``.
    """
    drawn = parallel_map(partial(_draw, looks=looks, size=size, seed=seed), range(count), workers,
                         progress)
    images, objects = zip(*drawn)
    return Scenes(np.stack(images), np.stack(objects))


def _draw(index: int, looks: int, size: Tuple[int, int],
          seed: int) -> Tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, SCENE_STREAM, index])
    raster = rasterise(make_scene(rng, index, bonnet=index % 2 == 1), size)
    pictures = [paint(raster, random_look(rng), rng) for _ in range(looks)]
    return np.stack(pictures), raster.things.astype(np.int16)


def batches(scenes: Scenes, batch: int, crop: int, seed: int) -> Iterator[Batch]:
    """An endless stream of random square crops, flipped at random.

    Args:
        batch: scenes of a batch.
        crop: side in pixels, at most the images' height.
        seed: of the order, crops, flips and looks.
    """
    rng = np.random.default_rng([seed, SCENE_STREAM + 1])
    height, width = scenes.objects.shape[1:]
    while True:
        first, second, objects = [], [], []
        for index in rng.integers(len(scenes.objects), size=batch):
            top, left = rng.integers(height - crop + 1), rng.integers(width - crop + 1)
            window = slice(top, top + crop), slice(left, left + crop)
            step = -1 if rng.random() < 0.5 else 1
            looks = rng.permutation(scenes.images.shape[1])[:2]
            a, b = (scenes.images[(index, look, *window)][:, ::step] for look in looks)
            first.append(a)
            second.append(b)
            objects.append(scenes.objects[(index, *window)][:, ::step])
        yield Batch(normalise(np.stack(first)), normalise(np.stack(second)),
                    torch.from_numpy(np.stack(objects).astype(np.int64)))


def normalise(images: np.ndarray) -> Tensor:
    """uint8 B x H x W x 3, RGB -> float32 B x 3 x H x W as mmseg's pipelines give them."""
    scaled = (images.astype(np.float32) - np.float32(MEAN)) / np.float32(STD)
    return torch.from_numpy(scaled.transpose(0, 3, 1, 2).copy())
