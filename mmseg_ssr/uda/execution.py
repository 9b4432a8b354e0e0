"""How the networks of a method run: memory format, compilation, shared passes."""
from dataclasses import dataclass
from typing import Union

import torch

from ..errors import ConfigError
from .keys import KeyGroup, key
from .self_training import SelfTraining
from .student import compilable

COMPILE_MODES = ('default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs')
#: Those that replay CUDA graphs.
WITH_GRAPHS = ('reduce-overhead', 'max-autotune')


@dataclass(frozen=True)
class ExecutionKeys(KeyGroup):
    """Keys that change the speed. The numbers stay the same up to float32 rounding."""

    joint_views: bool = key(
        False, 'One backbone pass for all views. It is faster on an accelerator and needs more '
        'memory. It is not possible with batch norm in the backbone.')
    channels_last: bool = key(
        False, 'Store the networks with channels innermost in memory (channels last).')
    compile: Union[bool, str] = key(
        False, 'Compile the networks: True, or a mode of `torch.compile`. The first iterations '
        "then take longer. 'reduce-overhead' and 'max-autotune' replay CUDA graphs.",
        choices=(False, True, *COMPILE_MODES))

    @property
    def replays_graphs(self) -> bool:
        """Whether CUDA graphs are replayed."""
        return self.compile in WITH_GRAPHS

    def check_rounds(self, iterations: int) -> None:
        """Check that no gradient has to outlive the graphs of its iteration.

        Args:
            iterations: iterations whose gradients are added up.

        Raises:
            ConfigError: CUDA graphs are replayed, and there are several.
        """
        if self.replays_graphs and iterations > 1:
            raise ConfigError(f'uda.compile={self.compile!r} replays CUDA graphs, which reuse the '
                              'memory of gradients in each iteration: set uda.cumulative_iters=1, '
                              'or uda.compile=True')

    def apply(self, method: SelfTraining) -> None:
        """Set the memory format of the method's networks, and compile them."""
        if self.channels_last:
            to_channels_last(method)
        if self.compile:
            compile_networks(method, 'default' if self.compile is True else self.compile)
        method.replays_graphs = self.replays_graphs


def to_channels_last(method: SelfTraining) -> None:
    """Store student and teachers with channels innermost in memory."""
    for network in (method.model, *(teacher.network for teacher in method.teachers)):
        network.to(memory_format=torch.channels_last)


def compile_networks(method: SelfTraining, mode: str) -> None:
    """Compile student, teachers and frozen networks in place. Their parameters keep their names.

    Each image size is compiled on its own. On a CPU, torch 2.11 cannot make code for MiT that holds
    for all sizes.
    """
    networks = list(compilable(method.model))
    networks += [teacher.network.backbone for teacher in method.teachers]
    if method.feature_distance is not None:
        networks += method.feature_distance.networks
    if method.foundation_distance is not None:
        networks += method.foundation_distance.networks
    if method.regularizer is not None:
        networks.append(method.regularizer.encoder.network)
    for network in networks:
        network.compile(dynamic=False, mode=mode)
