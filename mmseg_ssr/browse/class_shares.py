"""How often the classes occur in labels, and in what rare class sampling draws."""
from typing import Mapping, NamedTuple

import numpy as np

from ..datasets.source_statistics import source_counts
from ..datasets.uda_dataset import UDADataset


class Sampled(NamedTuple):
    """What rare class sampling makes of a source: for each of the K classes a share in [0, 1].

    Attributes:
        probability: P(c), see :func:`.class_probabilities`.
        drawn: share of the samples that were drawn for the class.
        images: share of the source's images that hold more than ``min_pixels`` of it, which is
            what uniform sampling would show.
        drawn_images: the same share of the images that were drawn.
        different: how many different images were drawn.
    """
    probability: np.ndarray
    drawn: np.ndarray
    images: np.ndarray
    drawn_images: np.ndarray
    different: int


def pixel_shares(dataset) -> np.ndarray:
    """Share of each class in the pixels that have one, of a data set with labels (K).

    No file is written, whether there are class statistics or not.

    Raises:
        DataError: see :func:`.source_counts`.
    """
    sampler = getattr(dataset, 'sampler', None)  # which has counted already
    if sampler is not None:
        return _shares(sampler.pixels, len(dataset.CLASSES))
    pixels: dict = {}
    for counts in source_counts(getattr(dataset, 'source', dataset), keep=False):
        for c, n in counts.items():
            pixels[c] = pixels.get(c, 0) + n
    return _shares(pixels, len(dataset.CLASSES))


def sampled_shares(dataset: UDADataset, draws: int) -> Sampled:
    """Of the first ``draws`` samples of a training, as its seed has them.

    Args:
        dataset: with rare class sampling.
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
