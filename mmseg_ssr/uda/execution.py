"""How the networks of a method are run: memory format, compilation, shared passes."""
from dataclasses import dataclass
from typing import Union

import torch

from .keys import KeyGroup, key
from .self_training import SelfTraining
from .student import compilable

COMPILE_MODES = ('default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs')


@dataclass(frozen=True)
class ExecutionKeys(KeyGroup):
    """How fast it goes; the numbers stay the same to float32 rounding."""

    joint_views: bool = key(
        False, 'One backbone pass for all views: faster on an accelerator, more memory. Not with '
        'batch norm in the backbone.')
    channels_last: bool = key(False, 'Memory format of the networks.')
    compile: Union[bool, str] = key(
        False, 'Let torch compile the networks (the first iterations take longer): True, or a mode '
        "of `torch.compile`; 'reduce-overhead' replays CUDA graphs.",
        choices=(False, True, *COMPILE_MODES))

    def apply(self, method: SelfTraining) -> None:
        """Change the memory format of the method's networks and let torch compile them."""
        if self.channels_last:
            to_channels_last(method)
        if self.compile:
            compile_networks(method, 'default' if self.compile is True else self.compile)


def to_channels_last(method: SelfTraining) -> None:
    """Channels innermost in the memory of every convolution, the teachers' too."""
    for network in (method.model, *(teacher.network for teacher in method.teachers)):
        network.to(memory_format=torch.channels_last)


def compile_networks(method: SelfTraining, mode: str) -> None:
    """Let torch compile student, teachers and frozen networks, in place: their names stay.

    Each image size is compiled on its own: on a CPU torch 2.11 fails to make code for MiT that
    holds for all sizes.
    """
    networks = list(compilable(method.model))
    networks += [teacher.network.backbone for teacher in method.teachers]
    if method.feature_distance is not None:
        networks += method.feature_distance.networks
    if method.regularizer is not None:
        networks.append(method.regularizer.encoder.network)
    for network in networks:
        network.compile(dynamic=False, mode=mode)
