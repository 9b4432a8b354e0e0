"""Shares of a training iteration's parts, in time or counted operations.

The parts are measured from outside: their calls are replaced during the measurement.
"""
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Dict, Iterator, List, Union
from unittest import mock

import torch
from torch import nn

from ..methods.segmentor import UDASegmentor

OTHER = 'other'


class PartMeter:
    """Attributes the growth of a reading to the part that is running.

    Parts may be nested. An inner part's share is not counted in the outer one.

    Args:
        read: gives the reading: seconds, or operations counted so far.
    """

    def __init__(self, read: Callable[[], float]):
        self.read = read
        self.totals: Counter = Counter()
        self._open: List[str] = [OTHER]
        self._last = read()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self.account()
        self._open.append(name)
        try:
            yield
        finally:
            self.account()
            self._open.pop()

    def account(self) -> None:
        """Credit the growth since the last call to the innermost open part."""
        now = self.read()
        self.totals[self._open[-1]] += now - self._last
        self._last = now

    def within(self, name: Union[str, Callable[[], str]], function: Callable) -> Callable:
        """Make ``function`` a part with this name (or the name that is current at the call)."""

        def run(*args: Any, **kwargs: Any) -> Any:
            with self.part(name if isinstance(name, str) else name()):
                return function(*args, **kwargs)

        return run


def measure_parts(method: nn.Module, optimizer: torch.optim.Optimizer,
                  iteration: Callable[[], Any], read: Callable[[], float]) -> Dict[str, float]:
    """Run one iteration, and return each part's share of the reading.

    Args:
        method: the segmentor in training. If it is no
            :class:`~mmseg_ssr.methods.segmentor.UDASegmentor`, only backward pass and optimizer are
            told apart.
        optimizer: the optimizer of the iteration.
        iteration: runs the iteration.
        read: gives the reading, as in :class:`PartMeter`.
    """
    meter = PartMeter(read)
    with ExitStack() as stack:
        replace_attribute(stack, meter, 'backward', torch.autograd, 'backward')
        replace_attribute(stack, meter, 'optimizer', optimizer, 'step')
        if isinstance(method, UDASegmentor):
            watch_networks(stack, meter, method)
        iteration()
        meter.account()
    return name_views(meter.totals, method)


def watch_networks(stack: ExitStack, meter: PartMeter, method: UDASegmentor) -> None:
    """Replace the calls of the method's parts in the step."""
    for teacher in method.teachers:
        replace_attribute(stack, meter, 'teacher update', teacher, 'update')
        replace_attribute(stack, meter, 'teacher forward', teacher.network, 'encode_decode')
    passes = iter(range(10 ** 6))
    replace_call(stack, meter, lambda: f'{BACKBONE} {next(passes)}', method.model.backbone)
    enhanced = []  # if not empty, the head's next pass takes enhanced features
    replace_call(stack, meter,
                 lambda: 'enhanced head' if enhanced and enhanced.pop() else 'head',
                 method.model.decode_head)
    if method.regularizer is not None:
        replace_attribute(stack, meter, 'SAM encoder', method.regularizer, 'encode')

        def attention() -> str:
            enhanced.append(True)
            return 'enhanced attention'

        replace_call(stack, meter, attention, method.regularizer)
    for distance in ('feature_distance', 'foundation_distance'):
        if getattr(method, distance) is not None:
            replace_call(stack, meter, distance.replace('_', ' '), getattr(method, distance))


BACKBONE = 'backbone pass'


def name_views(totals: Dict[str, float], method: nn.Module) -> Dict[str, float]:
    """Rename the numbered passes of the student's backbone to the names of the views."""
    passes = [name for name in totals if name.startswith(BACKBONE)]
    if not passes:
        return dict(totals)
    views = ['joint'] if method.joint_views else [maker.name for maker in method.view_makers]
    named: Counter = Counter()
    for name, value in totals.items():
        if name in passes:
            index = int(name[len(BACKBONE):])
            name = f'{views[index * len(views) // len(passes)]} backbone'
        named[name] += value
    return dict(named)


def replace_attribute(stack: ExitStack, meter: PartMeter, name: str, owner: Any,
                      attribute: str) -> None:
    """Measure ``owner.attribute(...)`` as a part until the stack unwinds."""
    stack.enter_context(mock.patch.object(
        owner, attribute, meter.within(name, getattr(owner, attribute))))


def replace_call(stack: ExitStack, meter: PartMeter, name: Union[str, Callable[[], str]],
                 module: nn.Module) -> None:
    """Measure ``module(...)`` as a part, outside of anything that torch has compiled of it."""
    # torch keeps its compiled call here. A hook or a new forward would be compiled too.
    call = module._compiled_call_impl or module._call_impl
    stack.enter_context(mock.patch.object(
        module, '_compiled_call_impl', meter.within(name, call)))
