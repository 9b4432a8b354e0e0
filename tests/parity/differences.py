"""Differences from a case's arrays, collected so that one test reports all of them."""
import math
import re
from typing import Iterable, List, NamedTuple, Sequence, Tuple

import numpy as np
from torch import Tensor

from .cases import Case
from .fill import sample_index


class Entry(NamedTuple):
    """One compared quantity."""
    quantity: str
    difference: float
    tolerance: float
    relative: bool = True

    @property
    def within(self) -> bool:
        return self.difference <= self.tolerance  # False for NaN

    @property
    def used(self) -> float:
        """Share of the tolerance that the difference uses up."""
        if self.tolerance == 0:
            return 0. if self.difference == 0 else math.inf
        return self.difference / self.tolerance


class Differences:
    """What has been compared in one case."""

    def __init__(self, case: Case):
        self.case = case
        self.entries: List[Entry] = []

    def add(self, quantity: str, difference: float, tolerance: float,
            relative: bool = True) -> None:
        self.entries.append(Entry(quantity, float(difference), tolerance, relative))

    def exact(self, quantity: str, own, expected) -> None:
        """Integers, names, masks: the number of entries that differ must be 0."""
        own, expected = np.asarray(own), np.asarray(expected)
        wrong = (own != expected).sum() if own.shape == expected.shape else math.inf
        self.add(quantity, wrong, 0, relative=False)

    def scalar(self, quantity: str, own, tolerance: float, relative: bool = True) -> None:
        """A number against the case's number of the same name."""
        expected = float(self.case.arrays[quantity].reshape(()))
        difference = abs(to_numpy(own).item() - expected)
        scale = abs(expected) if relative and expected else 1.
        self.add(quantity, difference / scale, tolerance, relative)

    def array(self, name: str, own: Tensor, tolerance: float) -> None:
        """Largest difference / largest entry, from the whole array or from its summaries.

        Summaries are ``name_stats`` (mean, population standard deviation, L2), ``name_samples``
        (see :func:`~.fill.sample_index`) and ``name_chmean`` (mean per channel).
        """
        if name not in self.case:
            raise KeyError(f'{self.case.name} has no array {name}, whole or summarized')
        own = kept_part(to_numpy(own), self.case.description(name))
        arrays = self.case.arrays
        if name in arrays:
            self.add(name, relative_difference(own, arrays[name]), tolerance)
        if f'{name}_stats' in arrays:
            self.statistics(f'{name}_stats', own, arrays[f'{name}_stats'], tolerance)
        if f'{name}_samples' in arrays:
            self.samples(f'{name}_samples', own, arrays[f'{name}_samples'], tolerance)
        if f'{name}_chmean' in arrays:
            expected = arrays[f'{name}_chmean']
            axes = tuple(i for i in range(own.ndim) if i != 1 and i >= expected.ndim - 1)
            self.add(f'{name}_chmean', absolute_difference(own.mean(axes), expected)
                     / scale_of(own), tolerance)

    def statistics(self, quantity: str, own, expected: np.ndarray, tolerance: float) -> None:
        """Mean and deviation against the tensor's largest entry, L2 against L2."""
        own = to_numpy(own)
        mean, deviation, norm = abs(np.array(statistics_of(own)) - expected)
        scale = scale_of(own)
        self.add(quantity, max(mean / scale, deviation / scale, norm / (expected[2] or 1.)),
                 tolerance)

    def samples(self, quantity: str, own, expected: np.ndarray, tolerance: float) -> None:
        """Samples of a tensor against its largest entry."""
        own = to_numpy(own)
        self.add(quantity, absolute_difference(samples_of(own, expected.size), expected)
                 / scale_of(own), tolerance)

    @property
    def outside(self) -> List[Entry]:
        return [entry for entry in self.entries if not entry.within]

    def summary(self) -> Tuple[Entry, Entry]:
        """The largest relative difference, and the entry nearest to its tolerance."""
        relative = [entry for entry in self.entries if entry.relative] or self.entries
        return (max(relative, key=lambda entry: nan_is_large(entry.difference)),
                max(self.entries, key=lambda entry: nan_is_large(entry.used)))


def to_numpy(value) -> np.ndarray:
    value = value.detach().cpu() if isinstance(value, Tensor) else value
    return np.asarray(value, dtype=np.float64)


def statistics_of(tensor) -> Tuple[float, float, float]:
    """Mean, population standard deviation, L2."""
    tensor = to_numpy(tensor)
    return tensor.mean(), tensor.std(), np.sqrt((tensor ** 2).sum())


def samples_of(tensor, count: int) -> np.ndarray:
    """``count`` samples, padded with NaN when the tensor is shorter."""
    flat = to_numpy(tensor).reshape(-1)
    samples = flat[sample_index(flat.size, count)]
    return np.pad(samples, (0, count - samples.size), constant_values=np.nan)


def sample_rows(tensors: Iterable[Tensor], count: int) -> np.ndarray:
    return np.stack([samples_of(tensor, count) for tensor in tensors])


def absolute_difference(own, expected) -> float:
    """The largest difference; NaN must stand where NaN is expected, and nowhere else."""
    own, expected = to_numpy(own), to_numpy(expected)
    if own.shape != expected.shape or (np.isnan(own) != np.isnan(expected)).any():
        return math.inf
    valid = ~np.isnan(expected)
    return abs(own - expected)[valid].max() if valid.any() else 0.


def relative_difference(own, expected) -> float:
    """The largest difference / the largest expected entry."""
    return absolute_difference(own, expected) / scale_of(expected)


def sampled_l2_difference(own, expected: np.ndarray) -> float:
    """L2 of the difference / L2 of the tensor, estimated from ``expected``, its samples."""
    own = to_numpy(own)
    difference = samples_of(own, expected.size) - expected
    return np.sqrt(np.nanmean(difference ** 2) / np.mean(own ** 2))


def scale_of(tensor) -> float:
    return float(np.nanmax(abs(to_numpy(tensor)))) or 1.


def kept_part(array: np.ndarray, description: str) -> np.ndarray:
    """The part that is stored when its description says 'every 2nd row and column' or the like."""
    match = re.search(r'every (\d+)\w\w (row and column|channel)', description)
    if match is None:
        return array
    step = slice(None, None, int(match[1]))
    return array[..., step, step] if 'row' in match[2] else array[:, step]


def nan_is_large(value: float) -> float:
    return math.inf if math.isnan(value) else value


def report(differences: Sequence[Entry]) -> str:
    return '\n'.join(f'{entry.quantity}: {entry.difference:.3g}, tolerance {entry.tolerance:g}'
                     for entry in differences)
