"""Weights & Biases and MLflow by one config key: ``tracker='wandb'`` or ``'mlflow'``."""
import importlib.util
from typing import Any, Dict, Iterator, List, Mapping

from mmcv import Config

from ...errors import nearest
from .faults import Fault
from .values import experiment_name

#: Value of ``tracker``, which is also the package that it needs -> mmcv's hook.
HOOKS = {'wandb': 'WandbLoggerHook', 'mlflow': 'MlflowLoggerHook'}
PROJECT = 'mmseg_ssr'


def tracker_faults(cfg: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield an unknown ``tracker``, and missing packages of trackers and ``log_config`` hooks."""
    tracker = cfg.get('tracker')
    if tracker is not None and tracker not in HOOKS:
        yield Fault('tracker', f'tracker must be one of {", ".join(HOOKS)}, got {tracker!r}'
                               f'{nearest(tracker, HOOKS)}')
    needed = {tracker: 'tracker'} if tracker in HOOKS else {}
    packages = {hook: package for package, hook in HOOKS.items()}
    for i, hook in enumerate((cfg.get('log_config') or {}).get('hooks') or []):
        if isinstance(hook, dict) and hook.get('type') in packages:
            needed.setdefault(packages[hook['type']], f'log_config.hooks.{i}')
    for package, key in needed.items():
        if not _is_installed(package):
            yield Fault(key, f'{key} needs the package {package}, which is not installed: '
                             f'pip install {package}, or remove the key')


def tracker_hooks(cfg: Config, work_dir: str) -> List[Dict[str, Any]]:
    """Return the hook of ``tracker``, if it is set. It sends numbers, no files and no weights."""
    name = experiment_name(cfg)
    if cfg.get('tracker') == 'wandb':
        return [dict(type=HOOKS['wandb'], log_artifact=False, init_kwargs=dict(
            project=PROJECT, name=name, dir=work_dir))]
    if cfg.get('tracker') == 'mlflow':
        return [dict(type=HOOKS['mlflow'], log_model=False, exp_name=PROJECT,
                     tags={'mlflow.runName': name, 'work_dir': work_dir})]
    return []


def _is_installed(package: str) -> bool:
    """Whether a package is installed. Trackers leave folders of their name, which do not count."""
    spec = importlib.util.find_spec(package)
    return spec is not None and spec.origin is not None
