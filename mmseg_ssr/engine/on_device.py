"""A model on its device, and the move of mmcv's batches to that device."""
from typing import Any

import torch
from mmcv.parallel import MODULE_WRAPPERS, DataContainer
from torch import nn


def to_device(batch: Any, device: torch.device) -> Any:
    """Unpack mmcv's DataContainers, at any depth, and move tensors to ``device``."""
    if isinstance(batch, DataContainer):
        # mmcv keeps batched data as one entry for each GPU of a process. Here there is one.
        batch = batch.data[0] if isinstance(batch.data, list) else batch.data
    if isinstance(batch, torch.Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {key: to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch)(to_device(value, device) for value in batch)
    return batch


@MODULE_WRAPPERS.register_module()
class OnDevice(nn.Module):
    """A wrapper that keeps a segmentor on one device and takes the batches of mmcv's loaders."""

    def __init__(self, module: nn.Module, device: torch.device):
        super().__init__()
        self.module = module.to(device)
        self.device = device

    def forward(self, **batch: Any) -> Any:
        return self.module(**to_device(batch, self.device))

    def train_step(self, batch: dict, optimizer: torch.optim.Optimizer, **kwargs: Any) -> dict:
        return self.module.train_step(to_device(batch, self.device), optimizer, **kwargs)
