"""Parameters and buffers that hooks put on a model, kept apart from the model's own."""
import itertools
from typing import Dict, Iterator, Tuple

import torch
from torch import Tensor, nn

from ...errors import ConfigError


class HookTensors:
    """The tensors of a model that it was not built with.

    A checkpoint holds them beside ``state_dict``, so that the plain segmentor takes the latter.

    Args:
        model: model before any hook has run.
    """

    def __init__(self, model: nn.Module):
        self.model = model
        self._built_with = {name for name, _ in self._all()}
        self._state = set(model.state_dict())
        self._waiting: Dict[str, Tensor] = {}

    def own_state(self) -> Dict[str, Tensor]:
        """Return the model's state dict without the tensors of hooks."""
        return {name: value for name, value in self.model.state_dict().items()
                if name in self._state}

    def found(self) -> Dict[str, Tensor]:
        """Return the tensors of hooks by name."""
        return {name: value for name, value in self._all() if name not in self._built_with}

    def check(self) -> None:
        """Raise a :class:`ConfigError` if a hook has taken tensors of the model away."""
        gone = sorted(self._state - set(self.model.state_dict()))
        if gone:
            raise ConfigError(
                f'custom_hooks: a hook has removed or renamed {len(gone)} tensors of the model '
                f'({gone[0]}, ...), so its checkpoints would fit no config: let it keep them')

    def give_back(self, values: Dict[str, Tensor]) -> None:
        """Copy these values into the tensors of hooks, once there are any: see :meth:`fill`."""
        self._waiting = dict(values)

    @torch.no_grad()
    def fill(self) -> None:
        """Fill the tensors of hooks for which values wait."""
        found = self.found() if self._waiting else {}
        for name in found.keys() & self._waiting.keys():
            value = self._waiting.pop(name)
            if value.shape == found[name].shape:
                found[name].copy_(value)

    def _all(self) -> Iterator[Tuple[str, Tensor]]:
        for name, value in itertools.chain(
                self.model.named_parameters(), self.model.named_buffers()):
            yield name, value.detach()
