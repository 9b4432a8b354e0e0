"""From losses to new weights: precision, gradients of several passes, clipping, the update."""
import contextlib
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional

import torch
from torch import Tensor

from ... import distributed
from ...errors import Problems
from ...utils.device import slower_line
from ..keys import KeyGroup, check_dict, check_value, key

#: Smallest scale of losses in float16. Below it their gradients are lost anyway.
SMALLEST_SCALE = 2. ** -10
PRECISIONS = {'bfloat16': torch.bfloat16, 'float16': torch.float16}


@dataclass(frozen=True)
class OptimizationKeys(KeyGroup):
    """Keys of precision, clipping and accumulation of gradients."""

    amp: Optional[Dict[str, str]] = key(
        None, "Mixed precision: `dict(dtype='bfloat16')` or `dict(dtype='float16')`. A warning "
        'says if 16 bits are slower on the processor.')
    grad_clip: Optional[Dict[str, float]] = key(
        None, '`dict(max_norm=10, norm_type=2)` scales gradients down to this norm. None does not '
        'clip.')
    cumulative_iters: int = key(
        1, 'Iterations whose mean gradients make one update.', least=1)

    def check(self) -> None:
        problems = Problems()
        problems.tried(check_dict, 'amp', self.amp, ('dtype', ))
        problems.tried(check_dict, 'grad_clip', self.grad_clip, ('max_norm', 'norm_type'),
                       ('max_norm', ))
        problems.report()
        dtype = (self.amp or {}).get('dtype')
        if dtype is not None:
            problems.tried(check_value, 'uda.amp.dtype', dtype, tuple(PRECISIONS), {})
        for name, value in (self.grad_clip or {}).items():
            problems.tried(check_value, f'uda.grad_clip.{name}', value, (), dict(above=0))
        problems.report()

    def build(self, warn: Callable[[str], Any] = warnings.warn) -> 'Optimization':
        return Optimization(**(self.amp or {}), **(self.grad_clip or {}),
                            cumulative_iters=self.cumulative_iters, warn=warn)


class Optimization:
    """Precision, accumulation, clipping and use of gradients.

    Args:
        dtype: 'bfloat16' or 'float16' runs forward passes in mixed precision (``torch.autocast``);
            None is full precision. With float16 the losses are scaled so that small gradients
            survive, and updates whose gradients overflow are left out. Both are used where 16 bits
            are slower too, after a warning: they still save memory.
        max_norm: norm that gradients are scaled down to; None does not clip.
        norm_type: order of that norm; 2 is Euclidean.
        cumulative_iters: iterations of a round. The weights are updated at its end, with the mean
            of the gradients. If the last round of a training is shorter, it updates nothing.
        warn: function that logs a warning.

    Attributes:
        spoiled: whether an iteration of the round was not finite, so that its end updates nothing.
    """

    def __init__(self, dtype: Optional[str] = None, max_norm: Optional[float] = None,
                 norm_type: float = 2., cumulative_iters: int = 1,
                 warn: Callable[[str], Any] = warnings.warn):
        self.dtype = PRECISIONS.get(dtype)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.cumulative_iters = cumulative_iters
        self.warn, self._warned = warn, False
        self._scaler: Optional[Any] = None  # made on the device of the losses
        self.spoiled = False

    def precision(self, device: torch.device) -> contextlib.AbstractContextManager:
        """Return the context of one forward pass.

        A later pass needs a context of its own for its gradients.
        """
        if self.dtype is None:
            return contextlib.nullcontext()
        if not self._warned:
            self._warned = True
            line = slower_line(self.dtype, device)
            if line:
                self.warn(f'{line}: amp saves memory here, but no time')
        return torch.autocast(device.type, self.dtype)

    def starts_round(self, iteration: int) -> bool:
        """Return whether a round of gradients begins with this iteration."""
        return iteration % self.cumulative_iters == 0

    def ends_round(self, iteration: int) -> bool:
        """Return whether the update is due after this iteration."""
        return (iteration + 1) % self.cumulative_iters == 0

    def backward(self, loss: Optional[Tensor]) -> None:
        """Add the gradients of a loss, if there is one, to those of the round."""
        if loss is None:
            return
        loss = loss / self.cumulative_iters if self.cumulative_iters > 1 else loss
        if self.dtype is torch.float16:
            loss = self._scaler_for(loss.device).scale(loss)
        loss.backward()

    def collect(self, due: bool, *optimizers: torch.optim.Optimizer) -> List[Tensor]:
        """Average the gradients of the round over all processes, and return their norms.

        A checkpoint of process 0 then has the gradients of all. Averaging them again with those of
        later iterations changes nothing. A norm is not finite if a gradient is not. With float16
        that is an overflow, which :meth:`update` handles.

        Args:
            due: whether the round is over.
            optimizers: the student's optimizer, and those of networks outside of the model
                (discriminators).

        Returns:
            The norm of the gradients of each optimizer.
        """
        for optimizer in optimizers:
            distributed.average_gradients(gradients_of(optimizer))
            if due and self._scaler is not None:
                self._scaler.unscale_(optimizer)
        return [self._norm(gradients_of(optimizer)) for optimizer in optimizers]

    def update(self, norm: Tensor, *optimizers: torch.optim.Optimizer) -> None:
        """Update the weights with the gradients of the round, but not after :meth:`spoil`.

        Args:
            norm: norm of the first optimizer's gradients. These are clipped.

        Raises:
            OverflowError: float16 gradients overflow at any scale of the losses.
        """
        if self.spoiled:
            self._forget(*optimizers)
            return
        if self.max_norm is not None:
            factor = (self.max_norm / (norm + 1e-6)).clamp(max=1)
            torch._foreach_mul_(gradients_of(optimizers[0]), factor)
        for each in optimizers:
            if self._scaler is None:
                each.step()
            else:
                self._scaler.step(each)
        if self._scaler is None:
            return
        self._scaler.update()
        if self._scaler.get_scale() < SMALLEST_SCALE:
            raise OverflowError('float16 gradients overflow at any scale of the losses')

    def spoil(self, *optimizers: torch.optim.Optimizer) -> None:
        """Drop the gradients of the round. Its end then updates nothing."""
        self.spoiled = True
        for optimizer in optimizers:
            optimizer.zero_grad()

    def _norm(self, gradients: List[Tensor]) -> Tensor:
        norms = torch._foreach_norm(gradients, self.norm_type)
        return torch.linalg.vector_norm(torch.stack(norms), self.norm_type)

    def _forget(self, *optimizers: torch.optim.Optimizer) -> None:
        """Finish a round without an update."""
        if self._scaler is not None:
            self._scaler.update()
        for optimizer in optimizers:
            optimizer.zero_grad()
        self.spoiled = False

    @property
    def handles_overflow(self) -> bool:
        """Whether gradients that are not finite are normal now and then."""
        return self.dtype is torch.float16

    def training_state(self) -> Dict[str, Any]:
        """Return the scale of the losses, and whether the unfinished round is spoiled."""
        return dict(scaler=self._scaler.state_dict() if self._scaler is not None else {},
                    spoiled=self.spoiled)

    def load_training_state(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Load the result of :meth:`training_state`."""
        self.spoiled = state.get('spoiled', False)  # older states lack it
        if state['scaler'] and self.dtype is torch.float16:
            self._scaler_for(device).load_state_dict(state['scaler'])

    def _scaler_for(self, device: torch.device) -> Any:
        if self._scaler is None:
            self._scaler = torch.amp.GradScaler(device.type)
        return self._scaler


def unfinished_gradients(network: torch.nn.Module) -> Dict[str, Tensor]:
    """Return the gradients of an unfinished round by parameter name."""
    return {name: parameter.grad for name, parameter in network.named_parameters()
            if parameter.grad is not None}


def restore_gradients(network: torch.nn.Module, gradients: Mapping[str, Tensor]) -> None:
    """Restore the result of :func:`unfinished_gradients`."""
    parameters = dict(network.named_parameters())
    for name, gradient in gradients.items():
        parameters[name].grad = torch.empty_like(parameters[name]).copy_(gradient)


def gradients_of(optimizer: torch.optim.Optimizer) -> List[Tensor]:
    """Return the gradients of all parameters of an optimizer."""
    return [p.grad for group in optimizer.param_groups for p in group['params']
            if p.grad is not None]
