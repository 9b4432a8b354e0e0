"""Class frequencies in labels and in the samples of rare class sampling."""
from typing import Mapping, NamedTuple

import numpy as np

from ..datasets.source_statistics import source_counts
from ..datasets.uda_dataset import UDADataset


class Sampled(NamedTuple):
    """The effect of rare class sampling on a source: shares in [0, 1] for each of the K classes.

    Attributes:
        probability: P(c), see :func:`.class_probabilities`.
        drawn: share of the samples that were drawn for the class.
        images: share of the source's images that hold more than ``min_pixels`` of the class.
            Uniform sampling would show this share.
        drawn_images: the same share of the drawn images.
        different: number of different images drawn.
    """
    probability: np.ndarray
    drawn: np.ndarray
    images: np.ndarray
    drawn_images: np.ndarray
    different: int


def pixel_shares(dataset) -> np.ndarray:
    """Share of each class in the labeled pixels of a data set (K numbers).

    Writes no file, not even class statistics.

    Raises:
        DataError: see :func:`.source_counts`.
    """
    sampler = getattr(dataset, 'sampler', None)  # it has counted the pixels already
    if sampler is not None:
        return _shares(sampler.pixels, len(dataset.CLASSES))
    pixels: dict = {}
    for counts in source_counts(getattr(dataset, 'source', dataset), keep=False):
        for c, n in counts.items():
            pixels[c] = pixels.get(c, 0) + n
    return _shares(pixels, len(dataset.CLASSES))


def sampled_shares(dataset: UDADataset, draws: int) -> Sampled:
    """Count the classes in the first ``draws`` samples of a training with the data set's seed.

    Args:
        dataset: a data set with rare class sampling.
        draws: number of samples.
    """
    sampler, classes = dataset.sampler, len(dataset.CLASSES)
    holds = np.zeros((len(dataset.source), classes))
    for c, images in sampler.images.items():
        holds[images, c] = 1
    drawn, images = np.transpose([dataset.drawn(position) for position in range(draws)])
    return Sampled(
        sampler.all_probabilities(classes), np.bincount(drawn, minlength=classes) / draws,
        holds.mean(axis=0), holds[images].mean(axis=0), len(np.unique(images)))


def _shares(pixels: Mapping[int, int], classes: int) -> np.ndarray:
    counts = np.array([pixels.get(c, 0) for c in range(classes)], dtype=np.float64)
    return counts / max(counts.sum(), 1)
