"""A linear classifier on frozen features, trained on the source and measured on both domains."""
from typing import Callable, Dict, NamedTuple, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..labels.confusion import areas, confusion_matrix
from ..labels.conversion import train_id_table
from ..labels.ignore_index import IGNORE_INDEX
from ..streets import SOURCE_TRAIN, TARGET_VAL, Split, draw_sample, source_val
from .scenes import normalize

#: Normalized images B x 3 x S x S -> features B x C x h x w.
Features = Callable[[Tensor], Tensor]
STRIDE = 4  # classified pixels are this far apart in the image
AT_ONCE = 4  # images; SAM at 1024 takes 0.4 GB for each


class Samples(NamedTuple):
    """Images of one size, and classes of some of their pixels, on a regular grid.

    Attributes:
        images: N x 3 x H x W, normalized.
        labels: N x h x w, int64, a class or 255. h divides H, and w divides W.
    """
    images: Tensor
    labels: Tensor


class Pixels(NamedTuple):
    """Labeled pixels.

    Attributes:
        features: M x C.
        labels: M classes, int64.
    """
    features: Tensor
    labels: Tensor


class Probe(NamedTuple):
    """A linear classifier on standardized features."""
    mean: Tensor
    std: Tensor
    linear: nn.Linear

    def __call__(self, features: Tensor) -> Tensor:
        """Map M x C features to M classes."""
        return self.linear((features - self.mean) / self.std).argmax(dim=1)


def draw_domains(count: int, size: int = 128, seed: int = 0) -> Dict[str, Samples]:
    """Draw images of Streets: 'source' to train on, 'source_val' and 'target_val' to measure on.

    Args:
        count: number of pictures of each, 2 ``size`` x ``size`` pixels; their halves are images.
        size: side of an image in pixels.
        seed: seed of Streets.
    """
    splits = dict(source=SOURCE_TRAIN, source_val=source_val(), target_val=TARGET_VAL)
    return {name: _samples(split, count, size, seed) for name, split in splits.items()}


def _samples(split: Split, count: int, size: int, seed: int) -> Samples:
    images, labels = [], []
    for index in range(count):
        picture, raster = draw_sample(split, index, (2 * size, size), seed)
        classes = train_id_table()[raster.labels]
        for half in (slice(0, size), slice(size, 2 * size)):
            images.append(picture[:, half])
            labels.append(classes[::STRIDE, half][:, ::STRIDE])
    return Samples(normalize(np.stack(images)),
                   torch.from_numpy(np.stack(labels).astype(np.int64)))


def fit(known: Pixels, steps: int = 1500, batch: int = 4096, lr: float = 0.01,
        seed: int = 0) -> Probe:
    """Train a linear classifier on frozen features.

    Args:
        steps, batch, lr: number of steps, pixels of a step, and learning rate of Adam. Pixels are
            random, and the rate follows a cosine.
    """
    values, labels = known
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        linear = nn.Linear(values.shape[1], int(labels.max()) + 1)
    mean, std = values.mean(dim=0), values.std(dim=0).clamp(min=1e-6)
    optimizer = torch.optim.Adam(linear.parameters(), lr=lr, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randint(len(values), (batch, ), generator=generator)
        logits = linear((values[rows] - mean) / std)
        optimizer.zero_grad()
        F.cross_entropy(logits, labels[rows]).backward()
        optimizer.step()
        schedule.step()
    return Probe(mean, std, linear.requires_grad_(False))


def score(probe: Probe, known: Pixels) -> Dict[str, float]:
    """Measure pixel accuracy, and mean IoU over the classes that occur, in percent."""
    values, labels = known
    found = probe(values)
    classes = max(probe.linear.out_features, int(labels.max()) + 1)
    both, union, _, truth = areas(confusion_matrix(found, labels.byte(), classes))
    return dict(accuracy=100 * float(both.sum() / truth.sum()),
                mIoU=100 * float((both / union)[truth > 0].mean()))


@torch.no_grad()
def pixels(features: Features, samples: Samples) -> Pixels:
    """Compute the features at the labeled pixels."""
    values, labels = [], []
    for images, truth in zip(samples.images.split(AT_ONCE), samples.labels.split(AT_ONCE)):
        maps = F.interpolate(features(images), truth.shape[1:], mode='bilinear',
                             align_corners=False)
        known = truth != IGNORE_INDEX
        values.append(maps.permute(0, 2, 3, 1)[known])
        labels.append(truth[known])
    return Pixels(torch.cat(values), torch.cat(labels))


def joined(backbone: nn.Module, stages: Sequence[int] = (0, 1, 2, 3)) -> Features:
    """Join the maps of a backbone's stages, resized to the first one's size, into one map."""

    def features(images: Tensor) -> Tensor:
        maps = [backbone(images)[i] for i in stages]
        return torch.cat([F.interpolate(m, maps[0].shape[2:], mode='bilinear',
                                        align_corners=False) for m in maps], dim=1)
    return features
