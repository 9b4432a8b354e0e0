"""Schedules of the learning rate: those of mmcv 1.x in the words of mmengine."""
from typing import Any, Dict, List, Mapping, Optional

from ..errors import ConfigError, nearest

KNOWN = ('policy', 'power', 'horizon', 'min_lr', 'by_epoch', 'warmup', 'warmup_iters',
         'warmup_ratio')
#: Policy -> its default power. None has no schedule but the warm-up.
POLICIES = {'poly': 1., 'PolyToHorizon': 0.9, 'fixed': None}


def schedulers(lr_config: Optional[Mapping[str, Any]], max_iters: int) -> List[Dict[str, Any]]:
    """Return mmengine's ``param_scheduler`` for mmcv's ``lr_config``.

    mmcv multiplies the rate of an iteration by the factor of the warm-up. mmengine's schedulers
    change the rate of the iteration before. So both begin at iteration 0, and their product is
    mmcv's rate. mmengine reaches the end of a schedule in the iteration before ``end``, mmcv in the
    iteration ``max_iters``.

    Raises:
        ConfigError: the schedule has no counterpart.
    """
    if not lr_config:
        return []
    for key in lr_config:
        if key not in KNOWN:
            raise ConfigError(f'lr_config.{key} has no counterpart in mmseg 1.x'
                              f'{nearest(key, KNOWN)}: write param_scheduler by hand')
    policy, warmup = lr_config.get('policy', 'poly'), lr_config.get('warmup')
    if policy not in POLICIES or warmup not in (None, 'linear'):
        raise ConfigError(f'lr_config with policy={policy!r} and warmup={warmup!r} has no '
                          'counterpart here, poly and fixed with a linear warm-up have: write '
                          'param_scheduler by hand')
    least = float(lr_config.get('min_lr', 0.))
    if warmup and least > 0:
        raise ConfigError('lr_config with a warm-up and min_lr above 0 has no counterpart in '
                          'mmengine, whose schedulers multiply: write param_scheduler by hand')
    found: List[Dict[str, Any]] = []
    if warmup:
        found.append(dict(type='LinearLR', start_factor=float(lr_config.get('warmup_ratio', 0.1)),
                          begin=0, end=int(lr_config['warmup_iters']) + 1, by_epoch=False))
    power = POLICIES[policy]
    if power is not None:
        found.append(dict(type='PolyLR', power=float(lr_config.get('power', power)), eta_min=least,
                          begin=0, end=int(lr_config.get('horizon') or max_iters) + 1,
                          by_epoch=False))
    return found
