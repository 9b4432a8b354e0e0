"""An endless stream of pairs of a labeled source image and an unlabeled target image.

The module needs data sets as sequences only. Loading an image may draw from the global generators,
as the pipelines of mmseg do.
"""
import operator
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..errors import ConfigError
from ..labels.rare_class_sampling import RareClassSampler, RareClassSampling
from ..utils.seeding import seeded

SOURCE, TARGET = 0, 1


class Pair(NamedTuple):
    """A sample of both domains, as their data sets give them."""
    source: Dict[str, Any]
    target: Dict[str, Any]
    rng: np.random.Generator  # for further decisions about the pair


class PairStream:
    """The pairs by their position, which depend on ``(seed, position)`` alone.

    With rare class sampling, the source image is drawn for a class and the target image uniformly.
    Without it, both data sets are traversed repeatedly, in a new random order each time.

    Args:
        source, target: ``len()`` and ``[i]``, which loads and augments an image.
        pixels: number of pixels of each class in a sample of the source, without ignored ones.
        seed: integer >= 0.
        options: options of rare class sampling, or None for none.
        sampler: the sampler of these options.
        begin: called with the source before its image of a pair is loaded, or None. The stream can
            be sent to another process if this function can.
    """

    def __init__(self, source: Sequence, target: Sequence,
                 pixels: Callable[[Any], Sequence[int]], seed: int,
                 options: Optional[RareClassSampling] = None,
                 sampler: Optional[RareClassSampler] = None,
                 begin: Optional[Callable[[Any], None]] = None):
        self.source, self.target = source, target
        self.pixels = pixels
        self.seed = seed
        self.options, self.sampler = options, sampler
        self.begin = begin
        self._orders: Dict[int, Tuple[tuple, np.ndarray]] = {}

    def __getitem__(self, index: int) -> Pair:
        """Return the pair at a position >= 0.

        Raises:
            IndexError: the position is negative.
        """
        index = operator.index(index)
        if index < 0:
            raise IndexError(f'position in the stream of samples must be at least 0, got {index}')
        with seeded(self.seed, index) as rng:
            if self.options is None:
                return Pair(self.source[self._in_turn(SOURCE, index, len(self.source))],
                            self.target[self._in_turn(TARGET, index, len(self.target))], rng)
            source = self._rare_class_sample(rng)
            return Pair(source, self.target[int(rng.integers(len(self.target)))], rng)

    def drawn(self, index: int) -> Tuple[int, int]:
        """The class and the source image that rare class sampling draws for position ``index``."""
        with seeded(self.seed, index) as rng:
            return self.sampler.draw(rng)

    def _in_turn(self, stream: int, index: int, length: int) -> int:
        """Image at a position when all images are traversed in repeated random orders."""
        epoch, position = divmod(index, length)
        key = stream, epoch, length
        if self._orders.get(stream, (None, ))[0] != key:  # as long as the data set, so kept
            rng = np.random.default_rng([self.seed, stream, epoch])
            self._orders[stream] = key, rng.permutation(length)
        return int(self._orders[stream][1][position])

    def _rare_class_sample(self, rng: np.random.Generator) -> Dict[str, Any]:
        """A source image with a drawn class, in a crop that holds it too if one is found."""
        class_id, image = self.sampler.draw(rng)
        if self.begin is not None:
            self.begin(self.source)
        sample = self.source[image]
        if self.options.min_crop_ratio > 0:
            for _ in range(self.options.max_redraws):
                if self.options.accepts(self.pixels(sample), class_id):
                    break
                sample = self.source[image]  # the pipeline crops at another place
        return sample


def pixels_by_class(label: Any, classes: int, ignore_index: int) -> List[int]:
    """Return the pixels of each class in a label, a tensor of integers of any shape."""
    known = (label >= 0) & (label < classes) & (label != ignore_index)
    return np.bincount(label[known].numpy().reshape(-1), minlength=classes).tolist()


class Meaning(NamedTuple):
    """The meaning of a data set's train ids."""
    classes: Optional[Sequence[str]]
    ignore_index: int


def check_pair(source: Meaning, target: Meaning, place: str) -> None:
    """Check that both data sets have the same classes and ignored id.

    Args:
        place: key of the pair in the config, for the message.

    Raises:
        ConfigError: they differ.
    """
    classes = list(source.classes or ()), list(target.classes or ())
    if classes[0] != classes[1]:
        differ = [c for c in classes[0] + classes[1] if c not in classes[0] or c not in classes[1]]
        raise ConfigError(
            f'source has {len(classes[0])} classes, target {len(classes[1])}; '
            f'{"only one has " + ", ".join(differ) if differ else "their order differs"}: '
            f'give both data sets the same classes ({place}.source, {place}.target)')
    if source.ignore_index != target.ignore_index:
        raise ConfigError(f'ignore_index of the source is {source.ignore_index}, of the target '
                          f'{target.ignore_index}: give both the same')


def window(shapes: Sequence[Tuple[int, int]], size: Tuple[int, int],
           rng: np.random.Generator, place: str) -> Tuple[slice, slice]:
    """Draw one window of ``size`` (height, width) for images of these heights and widths.

    Args:
        place: key of the pair in the config, for the message.

    Returns:
        Its rows and its columns.

    Raises:
        ConfigError: the images differ in size, or are smaller than the window.
    """
    if len(set(shapes)) > 1 or any(have < want for have, want in zip(shapes[0], size)):
        raise ConfigError(f'{place}.sync_crop_size {tuple(size)} needs source and target crops '
                          f'of one size that is not smaller, got {shapes[0]} and {shapes[1]}')
    top, left = (int(rng.integers(have - want + 1)) for have, want in zip(shapes[0], size))
    return slice(top, top + size[0]), slice(left, left + size[1])
