"""Several processes that train one method with mmengine's runner."""
from typing import Any, Dict, Optional

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from ..models.sync_batch_norm import synchronize_batch_norm
from ..uda.replicas import networks
from ..utils.registration import register


@register(MODEL_WRAPPERS)
class SelfTrainingParallel(nn.Module):
    """A wrapper for ``model_wrapper_cfg=dict(type='SelfTrainingParallel')``.

    ``MMDistributedDataParallel`` wraps one backward pass. The step of a method makes several, and
    averages gradients and statistics over the processes by itself. So this wrapper only passes on
    what mmengine's runner asks. :class:`.TrainingStateHook` gives all processes the networks of
    process 0.

    Args:
        module: the segmentor.
        sync_batch_norm: whether batch norms take the statistics of all processes, as one process
            with the whole batch does.
    """

    def __init__(self, module: nn.Module, sync_batch_norm: bool = True):
        super().__init__()
        self.module = module
        for _, network in networks(module) if sync_batch_norm else ():
            if network.training:  # frozen networks do not use statistics of their batch
                synchronize_batch_norm(network)

    def forward(self, inputs: torch.Tensor, data_samples: Optional[list] = None,
                mode: str = 'tensor') -> Any:
        """Return what the segmentor returns."""
        return self.module(inputs, data_samples, mode)

    def train_step(self, data: Dict[str, Any], optim_wrapper: OptimWrapper) -> Dict[str, Any]:
        """Run one iteration of the method."""
        return self.module.train_step(data, optim_wrapper)

    def val_step(self, data: Dict[str, Any]) -> list:
        """Return the student's predictions."""
        return self.module.val_step(data)

    def test_step(self, data: Dict[str, Any]) -> list:
        """Return the student's predictions."""
        return self.module.test_step(data)
