"""Learning rate schedules of the published domain adaptation codes."""
from typing import Any

from mmcv.runner import HOOKS
from mmcv.runner.hooks.lr_updater import LrUpdaterHook, PolyLrUpdaterHook

from ...errors import ConfigError


@HOOKS.register_module()
class PolyToHorizonLrUpdaterHook(PolyLrUpdaterHook):
    """Polynomial decay that the training ends early: ``lr_config=dict(policy='PolyToHorizon')``.

    AdaptSegNet, ADVENT and MaxSquare decay over 200,000 iterations or more and stop long before.
    mmcv's ``poly`` reaches its end with the training.

    Args:
        horizon: iteration at which the rate would reach ``min_lr``. It must be at least the length
            of the training.
        power, min_lr: as in mmcv's ``poly``.
        by_epoch: accepted, must be False.

    Raises:
        ConfigError: the training is longer than ``horizon``.
    """

    def __init__(self, horizon: int, power: float = 0.9, min_lr: float = 0.,
                 by_epoch: bool = False):
        super().__init__(power=power, min_lr=min_lr, by_epoch=by_epoch)
        self.horizon = horizon

    def before_run(self, runner: Any) -> None:
        if runner.max_iters > self.horizon:
            raise ConfigError(f'lr_config.horizon must be at least the {runner.max_iters} '
                              f'iterations of the training, got {self.horizon}')
        super().before_run(runner)

    def get_lr(self, runner: Any, base_lr: float) -> float:
        share = (1 - runner.iter / self.horizon) ** self.power
        return (base_lr - self.min_lr) * share + self.min_lr


@HOOKS.register_module()
class WarmupThenLinearLrUpdaterHook(LrUpdaterHook):
    """VFM-UDA++'s schedule (arXiv 2503.10685): ``lr_config=dict(policy='WarmupThenLinear')``.

    The rate of iteration t (0, 1, ...) is multiplied by a factor. It rises linearly from
    ``warmup_ratio`` at t = 0 to 1 at the last of ``warmup_iters``. From then on it is 1 - t / T,
    with the T iterations of the training. So it jumps down after the warm-up, from 1 to 0.9625 for
    1,500 of 40,000 iterations. mmcv's ``poly`` with a warm-up multiplies both instead. A training
    that is shorter than the warm-up ends inside it.

    Args:
        warmup_iters: number of iterations of the warm-up, at least 2.
        warmup_ratio: factor of the first iteration, in [0, 1].
        by_epoch: accepted, must be False.

    Raises:
        ConfigError: a number is out of range.
    """

    def __init__(self, warmup_iters: int = 1500, warmup_ratio: float = 1e-3,
                 by_epoch: bool = False):
        super().__init__(by_epoch=by_epoch)
        if warmup_iters < 2:
            raise ConfigError(f'lr_config.warmup_iters must be at least 2, got {warmup_iters}')
        if not 0 <= warmup_ratio <= 1:
            raise ConfigError(f'lr_config.warmup_ratio must be in [0, 1], got {warmup_ratio}')
        self.rising_iters = warmup_iters
        self.first_factor = warmup_ratio

    def factor(self, iteration: int, iterations: int) -> float:
        """Factor on every learning rate at one of ``iterations`` iterations, counted from 0."""
        if iteration < self.rising_iters:
            return self.first_factor + iteration * (1 - self.first_factor) / (self.rising_iters - 1)
        return 1 - iteration * (1 / iterations)  # in steps, as published: the last digits agree

    def get_lr(self, runner: Any, base_lr: float) -> float:
        return base_lr * self.factor(runner.iter, runner.max_iters)
