"""Hooks of ``custom_hooks`` that could not work in a training that counts iterations."""
import inspect
from typing import Any, Iterator, Mapping

from mmcv.runner import HOOKS, EMAHook, Hook

from .components import registered
from .faults import Fault

#: Methods of a hook that such a training calls.
CALLED = ('before_run', 'after_run', 'before_epoch', 'after_epoch', 'before_iter', 'after_iter',
          'before_train_iter', 'after_train_iter')


def hook_faults(cfg: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield hooks that act at the ends of epochs, which never come."""
    for i, hook in enumerate(cfg.get('custom_hooks') or []):
        name = hook.get('type') if isinstance(hook, dict) else None
        kind = registered(name, [HOOKS]) if isinstance(name, str) else None
        if not inspect.isclass(kind) or not issubclass(kind, Hook):
            continue
        place = f'custom_hooks.{i}'
        if issubclass(kind, EMAHook):
            yield Fault(place, f'{place}: {name} puts its averaged weights in place at the end of '
                               'each epoch, which never comes, because trainings count '
                               'iterations: remove it. The teacher of a uda method is such an '
                               'average (--weights teacher tests it)')
        elif not any(getattr(kind, method) is not getattr(Hook, method) for method in CALLED):
            yield Fault(place, f'{place}: {name} would never be called, because trainings count '
                               'iterations and no epochs: give it before_train_iter or '
                               'after_train_iter, or remove it')
