"""Check of losses and gradients while a training runs: are they finite?"""
import math
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, List, Mapping, Sequence, Tuple

import torch
from torch import Tensor, nn

from ... import distributed
from ...errors import ConfigError, UserError
from ..keys import KeyGroup, key


@dataclass(frozen=True)
class FiniteCheckKeys(KeyGroup):
    """Keys that say what happens when a loss or gradient is not finite."""

    not_finite: str = key(
        'stop', "Reaction to a loss or gradient that is not finite: 'stop' ends the training, "
        "'skip' leaves the update out and counts it.",
        choices=('stop', 'skip'))
    watch_interval: int = key(
        1, 'Iterations between two readings of losses on the host. Above 1 it needs '
        "`runner=dict(type='SelfTrainingRunner')`.", least=1)

    def check(self) -> None:
        if self.not_finite == 'skip' and self.watch_interval > 1:
            raise ConfigError("uda.not_finite='skip' needs watch_interval=1: later, the update has "
                              'been made')

    def build(self, warn: Callable[[str], Any] = warnings.warn,
              section: str = 'uda') -> 'FiniteCheck':
        return FiniteCheck(self.not_finite, self.watch_interval, warn, section)


class NotFinite(UserError):
    """A loss or gradient is infinite or NaN.

    Attributes:
        iteration: number of the iteration, counted from 0.
        terms: names of the losses, and of parameters with such gradients.
        late: whether its update was made already.
        section: dict of the config that has the keys that mend it.
    """

    def __init__(self, iteration: int, terms: Sequence[str], late: bool = False,
                 section: str = 'uda'):
        self.iteration, self.terms, self.late = iteration, tuple(terms), late
        more = f' and {len(terms) - 5} more' if len(terms) > 5 else ''
        found = ' (found after its update; uda.watch_interval=1 finds it before)' if late else ''
        super().__init__(
            f'iteration {iteration + 1}: {", ".join(terms[:5])}{more} not finite{found}: lower the '
            f'learning rate, clip gradients ({section}.grad_clip=dict(max_norm=10)) or leave such '
            f"updates out ({section}.not_finite='skip')")


class FiniteCheck:
    """Check of the numbers of each iteration.

    Args:
        action: 'stop' raises :class:`NotFinite`, before the weights change if the interval is 1.
            'skip' leaves the update out and counts it.
        interval: iterations between two readings. A larger one lets the device run ahead of the
            host. Numbers that are not finite are then found up to as many iterations late.
        warn: function that logs a warning.
        section: dict of the config that holds these arguments, for errors.

    Attributes:
        skipped: number of updates left out so far.
    """

    def __init__(self, action: str = 'stop', interval: int = 1,
                 warn: Callable[[str], Any] = warnings.warn, section: str = 'uda'):
        self.action, self.interval, self.warn, self.section = action, interval, warn, section
        self.skipped = 0
        self._noted: Dict[str, int] = {}
        self._kept: List[Tuple[Tensor, Tensor]] = []
        self._unread: List[Tuple[int, Tensor]] = []
        self._names: Tuple[Tuple[str, ...], Tuple[str, ...]] = ((), ())

    def read(self, iteration: int, numbers: Mapping[str, Tensor],
             notes: Mapping[str, Tensor]) -> Tuple[Dict[str, Any], List[str]]:
        """Return the numbers, and the names of those that are not finite.

        Args:
            iteration: number of the iteration, counted from 0.
            numbers: scalars on the device, with the same names in every iteration. They are
                averaged over all processes: not finite on one process is not finite on all.
            notes: lines for the log, each with a bool scalar that says whether it holds in this
                iteration. A line is logged if it holds on all processes.

        Returns:
            Floats, or scalars on the device if this iteration is read later.

        Raises:
            NotFinite: numbers of an earlier iteration are not finite, and its update was made
                already.
            ConfigError: the names differ from those of an iteration that is not read yet.
        """
        values = distributed.mean(torch.stack([
            value.detach().float().mean() for value in (*numbers.values(), *notes.values())]))
        names = tuple(numbers), tuple(notes)
        if self._unread and names != self._names:
            changed = sorted(set(names[0] + names[1]) ^ set(self._names[0] + self._names[1]))
            raise ConfigError(f'{changed[0] if changed else "the order of the losses"} is not the '
                              'same in every iteration, as uda.watch_interval above 1 needs: give '
                              'every loss in each iteration, 0 if need be')
        self._unread.append((iteration, values))
        self._names = names
        if len(self._unread) < self.interval:
            return dict(zip(numbers, values)), []
        return self._read_all()

    def finish(self) -> None:
        """Read the iterations that are not read yet, before a checkpoint relies on the weights.

        Raises:
            NotFinite: numbers are not finite, and their updates were made already.
        """
        if self._unread:
            iteration, _ = self._unread[-1]
            _, bad = self._read_all()
            if bad:
                raise NotFinite(iteration, bad, late=True)

    def _read_all(self) -> Tuple[Dict[str, float], List[str]]:
        """Return the newest iteration's numbers and the names of those that are not finite.

        Raises:
            NotFinite: numbers of an earlier iteration are not finite.
        """
        iterations, rows = zip(*self._unread)
        self._unread = []
        numbers, notes = self._names
        for past, row in zip(iterations, torch.stack(rows).tolist()):
            self._say(past, [line for line, share in zip(notes, row[len(numbers):]) if share == 1])
            floats = dict(zip(numbers, row))
            bad = [name for name, value in floats.items() if not math.isfinite(value)]
            if bad and past < iterations[-1]:
                raise NotFinite(past, bad, late=True)
        return floats, bad

    def keep(self, networks: Iterable[nn.Module]) -> None:
        """Remember batch norm statistics and other buffers for :meth:`skip`."""
        if self.action == 'skip':
            self._kept = [(b, b.clone()) for network in networks for b in network.buffers()]

    def skip(self, iteration: int, terms: Sequence[str], counted: bool = True) -> None:
        """Count an update that is left out, and restore the buffers.

        Args:
            counted: False if that update was to be left out already.

        Raises:
            NotFinite: the action is 'stop'.
        """
        if self.action == 'stop':
            raise NotFinite(iteration, terms, section=self.section)
        self.skipped += int(counted)
        for buffer, before in self._kept:
            buffer.copy_(before)
        self._say(iteration, ['update left out, not finite: ' + ', '.join(terms[:5])])

    def _say(self, iteration: int, lines: Sequence[str]) -> None:
        """Log each line the 1st, 10th, 100th, ... time that it holds."""
        for line in lines:
            count = self._noted[line] = self._noted.get(line, 0) + 1
            if math.log10(count).is_integer():
                times = f' ({count} times so far)' if count > 1 else ''
                self.warn(f'iteration {iteration + 1}: {line}{times}')
