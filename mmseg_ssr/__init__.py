"""SSR ("SAM is a Strong Regularizer", arXiv 2401.14686) for MMSegmentation.

Importing the package checks the versions it stands on and fills the registries of mmseg and
mmcv; nothing else happens. In a config: ``custom_imports = dict(imports=['mmseg_ssr'])``.
"""
from .utils.versions import check_versions

check_versions()

from . import datasets, deploy, engine, methods, models, uda  # noqa: E402
from .deploy import load  # noqa: E402

__version__ = '0.1.0'
__all__ = ['__version__', 'datasets', 'deploy', 'engine', 'load', 'methods', 'models', 'uda']
