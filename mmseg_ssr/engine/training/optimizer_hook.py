"""The update of a supervised segmentor. The methods of uda update themselves."""
from typing import Any, Dict, Optional

import torch
from mmcv.runner import HOOKS, Hook, OptimizerHook

from ... import distributed
from ...errors import ConfigError
from ...uda.update.finite_check import FiniteCheckKeys
from ...uda.update.optimization import OptimizationKeys


@HOOKS.register_module()
class WatchedOptimizerHook(OptimizerHook):
    """mmcv's ``OptimizerHook`` with gradients averaged over all processes and checked.

    Args:
        grad_clip: ``dict(max_norm=10, norm_type=2)``. None does not clip.
        not_finite: 'stop' or 'skip', applied if the loss or a gradient is not finite. See
            :class:`~mmseg_ssr.uda.update.finite_check.FiniteCheck`.
    """

    def __init__(self, grad_clip: Optional[Dict[str, float]] = None, not_finite: str = 'stop'):
        super().__init__(grad_clip)
        try:
            self.optimization = OptimizationKeys(grad_clip=grad_clip).build()
            self.finite_check = FiniteCheckKeys(not_finite=not_finite).build(
                section='optimizer_config')
        except ConfigError as error:
            raise ConfigError(*(f'optimizer_config.{line.removeprefix("uda.")}'
                                for line in error.problems)) from error

    def before_run(self, runner: Any) -> None:
        self.finite_check.warn = runner.logger.warning

    def before_train_iter(self, runner: Any) -> None:
        self.finite_check.keep([runner.model])

    def after_train_iter(self, runner: Any) -> None:
        loss: torch.Tensor = runner.outputs['loss']
        runner.optimizer.zero_grad()
        self.optimization.backward(loss)
        norm, = self.optimization.collect(True, runner.optimizer)
        values, bad = self.finite_check.read(runner.iter, {'loss': loss, 'grad_norm': norm}, {})
        if bad:
            bad = [name for name, value in runner.outputs['log_vars'].items()
                   if not abs(value) < float('inf')] or bad
            self.finite_check.skip(runner.iter, bad)
            self.optimization.spoil(runner.optimizer)
        self.optimization.update(norm, runner.optimizer)
        if self.grad_clip is not None:
            runner.log_buffer.update({'grad_norm': values['grad_norm']},
                                     runner.outputs['num_samples'])


def optimizer_hook(optimizer_config: Optional[Dict[str, Any]]) -> Hook:
    """Build the hook of ``optimizer_config``: ours unless it names another ``type``.

    Raises:
        ConfigError: it names another hook in a training with several processes. Each of them would
            then train a network of its own.
    """
    hook = HOOKS.build({'type': 'WatchedOptimizerHook', **(optimizer_config or {})})
    if distributed.world_size() > 1 and not isinstance(hook, WatchedOptimizerHook):
        raise ConfigError(f'optimizer_config.type {type(hook).__name__} does not average gradients '
                          'over processes: leave the type out, or train in one process')
    return hook
