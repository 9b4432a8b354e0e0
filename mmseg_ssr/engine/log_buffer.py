"""Logged numbers that may stay on the device until somebody wants their mean."""
import torch
from mmcv.runner import LogBuffer


class DeferredLogBuffer(LogBuffer):
    """mmcv's ``LogBuffer`` for numbers and scalar tensors."""

    def average(self, n: int = 0) -> None:
        self.read()
        super().average(n)

    def read(self) -> None:
        """Make floats of all tensors, in one copy from the device."""
        waiting = [(values, i) for values in self.val_history.values()
                   for i, value in enumerate(values) if isinstance(value, torch.Tensor)]
        if waiting:
            floats = torch.stack([values[i] for values, i in waiting]).tolist()
            for (values, i), number in zip(waiting, floats):
                values[i] = number
