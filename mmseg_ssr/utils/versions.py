"""The supported versions of other packages, checked when this package is imported."""
import contextlib
import logging
import platform
import warnings
from importlib import import_module, metadata
from typing import Dict, Iterable, Iterator, Tuple

from packaging.version import Version

#: Package -> (lowest version that works, first version that does not, or None).
SUPPORTED = {
    'torch': ('2.0', None),
    'mmcv': ('1.3.7', '2.0'),
    'mmseg': ('0.16', '1.0'),
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


def check_versions() -> None:
    """Raise an ``ImportError`` with one line if a package has an unsupported version.

    mmseg comes last, because it refuses to import with an unknown mmcv.
    """
    for package, (lowest, above) in SUPPORTED.items():
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
