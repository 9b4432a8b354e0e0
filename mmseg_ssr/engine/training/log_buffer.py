"""A log buffer whose numbers may stay on the device until their mean is needed."""
from typing import Any, Dict, Optional

import torch
from mmcv.runner import LogBuffer


class DeferredLogBuffer(LogBuffer):
    """mmcv's ``LogBuffer`` for numbers and scalar tensors.

    Attributes:
        window: number of newest values that may be averaged. Older ones are dropped, which mmcv
            does not do. None keeps all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.window: Optional[int] = None

    def update(self, vars: Dict[str, Any], count: int = 1) -> None:
        super().update(vars, count)
        for history in (self.val_history, self.n_history) if self.window else ():
            for values in history.values():
                if len(values) >= 2 * self.window:  # delete many at once, not one by one
                    del values[:-self.window]

    def average(self, n: int = 0) -> None:
        self.read()
        super().average(n)

    def read(self) -> None:
        """Turn all tensors into floats, with one copy from the device."""
        waiting = [(values, i) for values in self.val_history.values()
                   for i, value in enumerate(values) if isinstance(value, torch.Tensor)]
        if waiting:
            floats = torch.stack([values[i] for values, i in waiting]).tolist()
            for (values, i), number in zip(waiting, floats):
                values[i] = number
