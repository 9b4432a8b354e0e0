"""Strict loading of a part of a backbone from a published file."""
from typing import Dict, Mapping

from torch import Tensor, nn

from ...errors import CheckpointError
from ...weights import check_values


def load_part(backbone: nn.Module, weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor],
              path: str, what: str) -> None:
    """Load weights into a backbone. They must be those that are wanted, and no others.

    Args:
        backbone: network that gets the weights.
        weights: weights of the file by the names of the backbone.
        wanted: tensors of the backbone that the file must give, by name.
        path: path of the file, for messages.
        what: name of the network that the file should hold.

    Raises:
        CheckpointError: a weight is missing, too many, of another shape or no valid number.
    """
    faults: Dict[str, list] = {
        'are not in it': [name for name in wanted if name not in weights],
        'are too many': [name for name in weights if name not in wanted],
        'are no tensors': [name for name, value in weights.items()
                           if not isinstance(value, Tensor)],
        'have another shape': [name for name, value in weights.items() if name in wanted
                               and getattr(value, 'shape', None) != wanted[name].shape]}
    for fault, names in faults.items():
        if names:
            raise CheckpointError(f'{path} holds no weights of this {what}: {len(names)} weights '
                                  f'{fault}, the first is {names[0]}; give the file of this size')
    check_values(weights, wanted, path)
    backbone.load_state_dict(weights, strict=False)
