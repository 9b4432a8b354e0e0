"""Rare class sampling (DAFormer, arXiv 2111.14887, section 3.2).

A class is drawn with P(c) = softmax((1 - f_c) / T), where f_c is its share of the source's pixels.
Then an image that holds enough of it is drawn. The module needs counts and indices only.
"""
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, Container, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..errors import ConfigError, UserError, explained, nearest


def class_probabilities(pixels: Mapping[int, int], temperature: float,
                        keep: Optional[Container[int]] = None) -> Tuple[np.ndarray, np.ndarray]:
    """Probabilities to draw each class: softmax((1 - f_c) / T).

    Args:
        pixels: class -> number of its pixels in the whole source data set. Classes without
            pixels are left out.
        temperature: T > 0. A smaller value prefers rare classes more.
        keep: the classes that may be drawn (None: all). The share f_c counts the others' pixels
            too, so the kept ones keep their proportions.

    Returns:
        The classes, int64, in ascending order of their pixels, and their probabilities, float64,
        which sum to 1.
    """
    if temperature <= 0:
        raise ConfigError(f'rare_class_sampling.class_temp must be above 0, got {temperature}')
    present = sorted((n, c) for c, n in pixels.items() if n > 0 and (keep is None or c in keep))
    classes = np.array([c for _, c in present], dtype=np.int64)
    counts = np.array([n for n, _ in present], dtype=np.float64)
    scores = (1 - counts / sum(pixels.values())) / temperature
    weights = np.exp(scores - scores.max())
    return classes, weights / weights.sum()


@dataclass(frozen=True)
class RareClassSampling:
    """The options of rare class sampling, under the names of MIC's configs.

    Attributes:
        min_pixels: an image can be drawn for a class if it holds more than this number of its
            pixels (in the full image, before the pipeline resizes it).
        class_temp: temperature T of the class probabilities.
        min_crop_ratio: the crop is drawn again until it holds more than ``min_pixels *
            min_crop_ratio`` pixels of the class. 0 takes the first crop.
        max_redraws: number of further crops that are drawn at most. The last one is taken in any
            case.
        cat_max_ratio: the crop is drawn again also until it holds several classes, and none of them
            on this share of its labeled pixels or more. 1 allows any crop. It is the condition of
            ``RandomCrop``'s key of that name, which draws again inside of each draw. VFM-UDA++ has
            it here.
        keep_scale: whether all crops of an image have one random scale (VFM-UDA++), or each has its
            own (DAFormer).
        per_source: whether each of several sources has its own statistics (VFM-UDA++). A source is
            drawn in proportion to its number of images then, and its class by its own statistics.
            Otherwise the statistics are those of all sources together.
    """

    min_pixels: int = 3000
    class_temp: float = 0.01
    min_crop_ratio: float = 0.5
    max_redraws: int = 10
    cat_max_ratio: float = 1.0
    keep_scale: bool = False
    per_source: bool = False

    @classmethod
    def read(cls, values: Mapping[str, Any], place: str) -> 'RareClassSampling':
        """Return the options of a config.

        Args:
            place: key of the pair of data sets in the config, for the message.

        Raises:
            ConfigError: a key is unknown, or a value is wrong.
        """
        valid = cls.__dataclass_fields__
        for key in values:
            if key not in valid:
                raise ConfigError(f'{place}.rare_class_sampling has no key {key!r}'
                                  f'{nearest(key, valid)}')
        return cls(**values)

    def __post_init__(self) -> None:
        for name in ('min_pixels', 'min_crop_ratio', 'max_redraws'):
            if getattr(self, name) < 0:
                raise ConfigError(f'rare_class_sampling.{name} must be at least 0, got '
                                  f'{getattr(self, name)}')
        if self.class_temp <= 0:
            raise ConfigError('rare_class_sampling.class_temp must be above 0, got '
                              f'{self.class_temp}')
        if not 0 < self.cat_max_ratio <= 1:
            raise ConfigError('rare_class_sampling.cat_max_ratio must be above 0 and at most 1, '
                              f'got {self.cat_max_ratio}')

    @property
    def min_crop_pixels(self) -> float:
        """Number of pixels of the drawn class that a crop has to exceed."""
        return self.min_pixels * self.min_crop_ratio

    def accepts(self, crop: Sequence[int], class_id: int) -> bool:
        """Whether a crop that was drawn for a class is taken.

        Args:
            crop: number of the crop's pixels of each class, without ignored ones.
        """
        if class_id >= len(crop) or crop[class_id] <= self.min_crop_pixels:
            return False
        return self.cat_max_ratio == 1 or max(crop) / sum(crop) < self.cat_max_ratio


class RareClassSampler:
    """Draws (class, image) pairs.

    Args:
        counts: class -> pixels, for each image of the source.
        options: see :class:`RareClassSampling`.

    Attributes:
        classes, probabilities: see :func:`class_probabilities`.
        pixels: class -> pixels in the whole source.
        images: class -> indices of the images that hold more than ``min_pixels`` of it.
        left_out: classes that occur but are never drawn, because no image holds enough of them.

    Raises:
        ConfigError: no image holds more than ``min_pixels`` of any class.
    """

    def __init__(self, counts: Sequence[Mapping[int, int]], options: RareClassSampling):
        self.pixels: Dict[int, int] = {}
        self.images: Dict[int, List[int]] = {}
        for image, image_counts in enumerate(counts):
            for c, n in image_counts.items():
                self.pixels[c] = self.pixels.get(c, 0) + n
                if n > options.min_pixels:
                    self.images.setdefault(c, []).append(image)
        if not self.images:
            raise ConfigError('rare_class_sampling.min_pixels: no source image holds more than '
                              f'{options.min_pixels} pixels of any class, lower it to fit the '
                              'size of your images')
        self.left_out = sorted(c for c, n in self.pixels.items()
                               if n > 0 and c not in self.images)
        self.options = options
        self.classes, self.probabilities = class_probabilities(self.pixels, options.class_temp,
                                                               keep=self.images)

    def tell(self, names: Sequence[str], log: logging.Logger) -> None:
        """Log the chances of the classes, and those that are left out, by their names."""
        if self.left_out:
            log.warning(f'rare class sampling never draws '
                        f'{", ".join(names[c] for c in self.left_out)}: no source image holds more '
                        f'than min_pixels = {self.options.min_pixels} pixels of it')
        chances = ', '.join(f'{names[c]} {p:.4f}' for c, p in
                            zip(self.classes, self.probabilities))
        log.info(f'rare class sampling draws {chances}')

    def all_probabilities(self, num_classes: int) -> np.ndarray:
        """P(c) of every class, 0 for classes that are never drawn."""
        probabilities = np.zeros(num_classes)
        probabilities[self.classes] = self.probabilities
        return probabilities

    def draw(self, rng: np.random.Generator) -> Tuple[int, int]:
        """Draw a class and the index of an image that holds more than ``min_pixels`` of it."""
        c = int(rng.choice(self.classes, p=self.probabilities))
        images = self.images[c]
        return c, images[int(rng.integers(len(images)))]


class SeveralSourcesSampler(RareClassSampler):
    """Draws (class, image) pairs from several sources, each by its own statistics.

    Images count through all sources.

    Args:
        sources: for each source, class -> pixels for each of its images.
        options: see :class:`RareClassSampling`.

    Attributes:
        samplers: the sampler of each source.

    Raises:
        ConfigError: in a source, no image holds more than ``min_pixels`` of any class.
    """

    def __init__(self, sources: Iterable[Sequence[Mapping[int, int]]],
                 options: RareClassSampling):
        sources = [source for source in sources if source]
        self.samplers = []
        for number, source in enumerate(sources):
            with explained(partial(_of_source, number)):
                self.samplers.append(RareClassSampler(source, options))
        self.ends = np.cumsum([len(source) for source in sources])
        self.pixels: Dict[int, int] = {}
        self.images: Dict[int, List[int]] = {}
        for sampler, start in zip(self.samplers, self._starts):
            for c, n in sampler.pixels.items():
                self.pixels[c] = self.pixels.get(c, 0) + n
            for c, images in sampler.images.items():
                self.images.setdefault(c, []).extend(start + image for image in images)
        self.left_out = sorted(c for c, n in self.pixels.items() if n > 0 and c not in self.images)
        self.options = options
        self.classes = np.array(sorted(self.images, key=lambda c: (self.pixels[c], c)), np.int64)
        self.probabilities = self.all_probabilities(max(self.images) + 1)[self.classes]

    @property
    def _starts(self) -> List[int]:
        return [0, *self.ends[:-1].tolist()]

    def all_probabilities(self, num_classes: int) -> np.ndarray:
        """P(c) of every class, 0 for classes that are never drawn."""
        shares = np.diff([0, *self.ends]) / self.ends[-1]
        return sum(share * sampler.all_probabilities(num_classes)
                   for share, sampler in zip(shares, self.samplers))

    def draw(self, rng: np.random.Generator) -> Tuple[int, int]:
        """Draw a source by its size, then a class and an image of it."""
        source = int(np.searchsorted(self.ends, rng.integers(self.ends[-1]), side='right'))
        c, image = self.samplers[source].draw(rng)
        return c, self._starts[source] + image


def _of_source(number: int, error: Exception) -> Optional[UserError]:
    """Return an error that says which of several sources it is of."""
    if not isinstance(error, UserError):
        return None
    return error.reworded(lambda line: f'source {number} (counted from 0): {line}')


def rare_class_sampler(sources: Iterable[Sequence[Mapping[int, int]]],
                       options: RareClassSampling) -> RareClassSampler:
    """Make the sampler of one source or several, see ``per_source``.

    Args:
        sources: for each source, class -> pixels for each of its images.
    """
    if options.per_source:
        return SeveralSourcesSampler(sources, options)
    return RareClassSampler([counts for source in sources for counts in source], options)
