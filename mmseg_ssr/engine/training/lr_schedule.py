"""A learning rate schedule of the published domain adaptation codes."""
from typing import Any

from mmcv.runner import HOOKS
from mmcv.runner.hooks.lr_updater import PolyLrUpdaterHook

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
