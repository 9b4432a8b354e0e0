"""What stands in for the compiled operators of mmcv 1.x, where mmcv was installed without them.

mmcv-full is mmcv with a compiled module, ``mmcv._ext``. mmseg cannot be imported without that
module, although most networks call no function of it. :func:`install` lets Python find an empty
one, if there is no real one. Each function of it raises an error that says how to get mmcv-full.

``import mmseg_ssr`` calls :func:`install`. An installation also puts ``mmseg_ssr.pth`` into the
environment, which runs this file when Python starts. So mmseg can be imported first, as its own
scripts do.
"""
import pkgutil
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Callable, Optional

NAME = 'mmcv._ext'
HOW = ('install the full set: make setup MMCV=full, or mmcv-full==1.7.2 by hand '
       '(docs/install.md)')


class MissingOperators(ModuleType):
    """A module with a function of any name. It has no operator, and each function says so."""

    def __getattr__(self, name: str) -> Callable[..., str]:
        if name.startswith('_'):  # Python and mmcv ask every module for such names
            raise AttributeError(f'module {NAME!r} has no attribute {name!r}')
        if name in ('get_compiler_version', 'get_compiling_cuda_version'):  # of collect_env
            return lambda: 'mmcv without compiled operators'

        def operator(*args: Any, **kwargs: Any) -> str:
            raise NotImplementedError(f"the compiled operator '{name}' of mmcv is needed and not "
                                      f'installed here: {HOW}')

        return operator


class Finder:
    """Finds the stand-in. It is the last to be asked, so a real module is found before it."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        """Return the place of the stand-in, if Python asks for it."""
        return ModuleSpec(name, Finder) if name == NAME else None

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        """Return the module, which is complete."""
        return MissingOperators(spec.name)

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Do nothing: no code belongs to the module."""


def install() -> None:
    """Let Python find the stand-in. A second call changes nothing.

    mmcv looks for its compiled module by a function that Python 3.14 has dropped. It comes back.
    """
    if not hasattr(pkgutil, 'find_loader'):
        pkgutil.find_loader = find_spec
    if Finder not in sys.meta_path:
        sys.meta_path.append(Finder)
