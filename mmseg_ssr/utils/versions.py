"""The supported versions of other packages, checked when this package is imported."""
import contextlib
import logging
import platform
import warnings
from importlib import import_module, metadata
from typing import Dict, Iterable, Iterator, Optional, Tuple

from packaging.version import Version

#: Package -> (lowest version that works, first version that does not, or None).
Bounds = Dict[str, Tuple[str, Optional[str]]]
#: The supported sets, by the line of mmseg: 0 (mmcv 1.x) and 1 (mmcv 2.x, mmengine).
SUPPORTED: Dict[int, Bounds] = {
    0: {'torch': ('2.4', None), 'mmcv': ('1.3.7', '2.0'), 'mmseg': ('0.16', '1.0')},
    1: {'torch': ('2.4', None), 'mmcv': ('2.1', '3.0'), 'mmengine': ('0.10', '1.0'),
        'mmseg': ('1.2', '2.0')},
}


def release(version: str) -> Tuple[int, ...]:
    """Return ``(2, 11, 0)`` for ``'2.11.0a0+cu130'``. Builds before a release count as it."""
    return Version(version).release


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep back what mmcv and torch say to everyone who imports them here.

    mmcv warns of its version 2, and torch of a CUDA toolkit on a machine without a GPU.
    """
    def is_wanted(record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith('No CUDA runtime is found')

    toolkit = logging.getLogger('torch.utils.cpp_extension')
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='On January 1, 2023, MMCV')
        toolkit.addFilter(is_wanted)
        try:
            yield
        finally:
            toolkit.removeFilter(is_wanted)


def openmmlab_line() -> int:
    """Return the installed line of mmseg: 1 with mmcv 2.x and later, else 0."""
    with _quietly():
        return int(release(import_module('mmcv').__version__)[0] >= 2)


def check_versions() -> None:
    """Raise an ``ImportError`` with one line if a package has an unsupported version.

    mmseg comes last, because it refuses to import with an unknown mmcv.
    """
    for package, (lowest, above) in SUPPORTED[openmmlab_line()].items():
        with _quietly():
            found = import_module(package).__version__
        too_old = release(found) < release(lowest)
        too_new = above is not None and release(found) >= release(above)
        if too_old or too_new:
            wanted = f'>={lowest}' + (f',<{above}' if above else '')
            raise ImportError(f'mmseg_ssr needs {package}{wanted}, found {found}: install a '
                              'version in that range (README, "Install")')


def installed_versions(packages: Iterable[str]) -> Dict[str, str]:
    """Return the versions of Python and of the installed ``packages`` (names in an index)."""
    versions = dict(python=platform.python_version())
    for name in packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
