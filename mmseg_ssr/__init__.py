"""SSR ("SAM is a Strong Regularizer", arXiv 2401.14686) for MMSegmentation, and in pure torch.

:mod:`.uda` and :mod:`.regularizer` are pure torch: they are here in any environment. Where
OpenMMLab is installed, importing the package checks its versions and fills the registries of mmseg
and mmcv; nothing else happens. In a config: ``custom_imports = dict(imports=['mmseg_ssr'])``.
"""
from importlib.util import find_spec
from typing import Any, List

from . import regularizer, uda

__version__ = '0.1.0'
__all__ = ['__version__', 'datasets', 'deploy', 'engine', 'load', 'methods', 'models',
           'regularizer', 'uda']


def _missing() -> List[str]:
    """What cannot be found of OpenMMLab."""
    missing = []
    for package in ('mmcv', 'mmseg'):
        try:
            found = find_spec(package)
        except ImportError:
            found = None
        if found is None:
            missing.append(package)
    return missing


if not _missing():
    from . import datasets, deploy, engine, methods, models
    from .deploy import load


def __getattr__(name: str) -> Any:
    """Say of a part that needs OpenMMLab what is missing."""
    if name in __all__:
        raise ImportError(f'mmseg_ssr.{name} needs OpenMMLab, and {" and ".join(_missing())} '
                          'cannot be found: see docs/install.md')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
