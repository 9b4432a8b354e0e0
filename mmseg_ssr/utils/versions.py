"""The versions this package stands on, checked once when it is imported."""
import platform
from importlib import import_module, metadata
from typing import Dict, Iterable, Tuple

from packaging.version import Version

#: package: (lowest that works, first that does not)
SUPPORTED = {
    'torch': ('2.0', None),
    'mmcv': ('1.3.7', '2.0'),
    'mmseg': ('0.16', '1.0'),
}


def release(version: str) -> Tuple[int, ...]:
    """``'2.11.0a0+cu130'`` -> ``(2, 11, 0)``: builds before a release count as the release."""
    return Version(version).release


def check_versions() -> None:
    """Raise ``ImportError`` with one line that names the package and what was expected.

    mmseg itself refuses to import with an mmcv it does not know, so it comes last.
    """
    for package, (lowest, above) in SUPPORTED.items():
        found = import_module(package).__version__
        too_old = release(found) < release(lowest)
        too_new = above is not None and release(found) >= release(above)
        if too_old or too_new:
            wanted = f'>={lowest}' + (f',<{above}' if above else '')
            raise ImportError(f'mmseg_ssr needs {package}{wanted}, found {found}: install a '
                              'version in that range (README, "Install")')


def installed_versions(packages: Iterable[str]) -> Dict[str, str]:
    """Python's version, and of each of the ``packages`` (as an index knows them) that is there."""
    versions = dict(python=platform.python_version())
    for name in packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
