"""The teacher: an exponential moving average of the student (Mean Teacher, arXiv 1703.01780)."""
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Dict

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from ...regularizer.frozen import FrozenNetwork
from ..keys import KeyGroup, key


@dataclass(frozen=True)
class TeacherKeys(KeyGroup):
    """Keys of the teacher."""

    alpha: float = key(0.99, 'EMA rate of the teacher, 0.999 in DAFormer.', least=0, below=1)

    def build(self, student: nn.Module) -> 'EMATeacher':
        return EMATeacher(student, self.alpha)


class EMATeacher(FrozenNetwork):
    """A copy of the student that follows it and predicts without dropout.

    Update ``t`` uses ``alpha_t = min(1 - 1 / (t + 1), alpha)``, so the first update copies the
    student (DAFormer, Sec. 3). Parameters are averaged. Batch norm statistics are neither copied
    nor averaged: the teacher normalizes by the batch that it sees and keeps its own running
    statistics, as in the published code. Dropout and stochastic depth are off, and modules with a
    true ``draws_in_training`` are in eval mode.

    Args:
        student: network to follow.
        alpha: share of the teacher that an update keeps, in [0, 1).
    """

    def __init__(self, student: nn.Module, alpha: float = 0.999):
        super().__init__(deepcopy(student))
        self.alpha = alpha
        self.updates = 0
        self.network.train()
        for module in self.network.modules():
            if isinstance(module, (_DropoutNd, nn.MultiheadAttention)) or \
                    type(module).__name__ == 'DropPath' or hasattr(module, 'attn_drop') or \
                    getattr(module, 'draws_in_training', False):
                # the mode of this module alone: a batch norm inside it still uses the batch
                module.training = False

    @torch.no_grad()
    def update(self, student: nn.Module) -> None:
        """Move the parameters towards those of the student."""
        alpha = min(1 - 1 / (self.updates + 1), self.alpha)
        own, new = (dict(network.named_parameters()) for network in (self.network, student))
        # alpha * own + (1 - alpha) * new in one pass; a hook may have given the student more
        torch._foreach_lerp_(list(own.values()), [new[name] for name in own], 1 - alpha)
        self.updates += 1

    def training_state(self) -> Dict[str, Any]:
        """Return weights, batch norm statistics and the number of updates."""
        return dict(updates=self.updates, network=self.network.state_dict())

    def load_training_state(self, state: Dict[str, Any]) -> None:
        """Load the result of :meth:`training_state`."""
        self.updates = int(state['updates'])
        self.network.load_state_dict(state['network'])
