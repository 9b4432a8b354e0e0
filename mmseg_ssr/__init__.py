"""SSR ("SAM is a Strong Regularizer", arXiv 2401.14686) for MMSegmentation, and in pure torch.

:mod:`.uda` and :mod:`.regularizer` are pure torch: they are here in any environment. Where a
supported OpenMMLab is installed, importing the package fills the registries of mmseg and mmcv.
Nothing else happens. In a config: ``custom_imports = dict(imports=['mmseg_ssr'])``.
"""
import warnings
from importlib.util import find_spec
from typing import Any

from .starting import quiet_start, settle_process

settle_process()
with quiet_start():
    from . import regularizer, uda
    from .utils import compiled_operators
    from .utils.versions import check_versions, openmmlab_line

__version__ = '0.1.0'
__all__ = ['__version__', 'datasets', 'deploy', 'engine', 'load', 'methods', 'models',
           'regularizer', 'uda']


def _hindrance() -> str:
    """Say why the parts that need OpenMMLab cannot be used. Empty where they can."""
    missing = []
    for package in ('mmcv', 'mmseg'):
        try:
            found = find_spec(package)
        except ImportError:
            found = None
        if found is None:
            missing.append(package)
    if missing:
        return f'{" and ".join(missing)} cannot be found: see docs/install.md'
    try:
        check_versions()
    except ImportError as error:
        warnings.warn(f'only mmseg_ssr.uda and mmseg_ssr.regularizer can be used: {error}',
                      stacklevel=3)
        return str(error)
    return ''


compiled_operators.install()
#: Why the parts that need OpenMMLab cannot be used. Empty where they can.
HINDRANCE = _hindrance()
#: The installed line of mmseg, 0 or 1.
LINE = None if HINDRANCE else openmmlab_line()
if not HINDRANCE:
    with quiet_start():
        from . import methods, models
if LINE == 0:
    with quiet_start():
        from . import datasets, deploy, engine
        from .deploy import load
elif LINE == 1:
    with quiet_start():
        from .mmseg1 import register_parts
        register_parts()


def __getattr__(name: str) -> Any:
    """Say of a part that needs OpenMMLab what is missing."""
    if name in __all__ and not HINDRANCE:
        raise ImportError(f'mmseg_ssr.{name} needs mmseg 0.x, and 1.x is installed: see '
                          'docs/mmseg1.md')
    if name in __all__:
        raise ImportError(f'mmseg_ssr.{name} needs OpenMMLab, and {HINDRANCE}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
