"""What an installation needs: a Python, packages, and versions that fit each other.

The file uses the standard library alone, and no newer syntax. So ``make setup`` can run it before
anything is installed, and an old Python can run it far enough to report its own age.
"""
import os
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import List, NamedTuple, Optional, Sequence, Tuple

OLDEST, NEWEST = (3, 9), (3, 14)
MODULES = ['torch', 'torchvision', 'mmcv', 'mmseg', 'segment_anything', 'timm', 'cv2', 'numpy',
           'scipy', 'PIL', 'jinja2', 'matplotlib', 'tensorboard', 'tqdm']
#: These are imported to see whether they work. Each needs those before it.
PROBES = ['torch', 'torchvision', 'mmcv.ops', 'mmseg', 'mmseg_ssr.engine']


class Fault(NamedTuple):
    """A fault of an installation."""
    title: str
    file: str  # Python or the package
    found: str
    expected: str
    mend: str


def python_fault(version: Optional[Tuple[int, ...]] = None) -> str:
    """Say in one line why this Python (or another version) cannot be used. Empty if it can."""
    version = tuple(version or sys.version_info)[:2]
    if OLDEST <= version <= NEWEST:
        return ''
    return ('Python {}.{} cannot be used, {}.{} to {}.{} can: name one, e.g. '
            'make setup PYTHON=python3.11'.format(*version + OLDEST + NEWEST))


def missing_here(full: bool = False) -> List[str]:
    """List the parts that the running Python lacks. It imports nothing, but looks for files.

    With ``full``, the compiled operators of mmcv are a part.
    """
    missing = [name for name in MODULES if find_spec(name) is None]
    if full and 'mmcv' not in missing:
        folder = list(find_spec('mmcv').submodule_search_locations)[0]
        if not any(name.startswith('_ext') for name in os.listdir(folder)):
            missing.append('mmcv-full')
    for module, names, line in (('mmcv', ('mmcv-full', 'mmcv'), '1.'),
                                ('mmseg', ('mmsegmentation', ), '0.')):
        if module not in missing and not version_of(names, line).startswith(line):
            missing.append(f'{module} {line}x')
    return missing


def faults_here() -> List[Fault]:
    """List the faults of the running Python and its packages, in the order in which to mend them.

    Packages are imported, except those that depend on a broken one.
    """
    fault = python_fault()
    if fault:
        return [Fault('this Python cannot be used', sys.executable, fault.split(',')[0],
                      'Python {}.{} to {}.{}'.format(*OLDEST + NEWEST),
                      'make setup PYTHON=python3.11')]
    missing = missing_here()
    if missing:
        return [Fault('package is missing', name, 'not in ' + sys.executable, 'the packages of '
                      'docs/install.md', 'make setup, then start with its Python: '
                      '.venv/bin/mmseg-ssr doctor') for name in missing]
    for name in PROBES:
        try:
            import_module(name)
        except Exception as error:  # a package built for others fails in many ways
            text = ' '.join(f'{type(error).__name__}: {error}'.split())
            return [Fault('package cannot be imported', name, text[:400],
                          'versions that fit each other (docs/install.md)', 'make setup')]
    return misfits()


def misfits() -> List[Fault]:
    """Find a torchvision that was built for another torch than the installed one."""
    from importlib.metadata import PackageNotFoundError, requires
    try:
        wanted = [text for text in requires('torchvision') or [] if re.match(r'torch\b', text)]
    except PackageNotFoundError:  # a copy without records
        return []
    exact = re.search(r'==\s*([\d.]+)', wanted[0]) if wanted else None
    found = version_of(['torch'], default='').split('+')[0]
    if exact is None or found in ('', exact.group(1)):
        return []
    return [Fault('torchvision is built for another torch', 'torchvision '
                  + version_of(['torchvision'], default=''), 'torch ' + found,
                  'torch ' + exact.group(1), f'make setup TORCH=torch=={exact.group(1)}')]


def version_of(distributions: Sequence[str], default: str) -> str:
    """Version of the first distribution installed here, else ``default`` (a vendored copy)."""
    from importlib.metadata import PackageNotFoundError, version  # not in Python 3.7
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return default
