"""Checks of the machine before `make setup` installs anything: Python, compiler, packages.

The file avoids newer syntax, so that an old Python can run it far enough to report its own age.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib import import_module
from importlib.util import find_spec
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

OLDEST, NEWEST = (3, 9), (3, 12)
RUNTIME_MODULES = ['torch', 'torchvision', 'mmcv', 'mmseg', 'segment_anything', 'timm', 'cv2',
                   'numpy', 'PIL', 'jinja2', 'matplotlib', 'tensorboard', 'tqdm']
# These are imported to see whether they work. Each needs those before it.
PROBES = ['torch', 'torchvision', 'mmcv.ops', 'mmseg', 'mmseg_ssr']
GIBIBYTE_PER_COMPILER = 1.5
COMPILER_PROBE = '#include <Python.h>\n#include <vector>\nint main() { return 0; }\n'


class SetupError(Exception):
    """A reason to stop, reported in one line."""


class Fault(NamedTuple):
    """A fault of an installation."""
    title: str
    file: str  # Python or the package
    found: str
    expected: str
    mend: str


def check_python(version: Optional[Tuple[int, ...]] = None) -> None:
    """Raise SetupError unless the version (default: this Python's) suits mmcv-full and torch."""
    major, minor = tuple(version or sys.version_info)[:2]
    if not OLDEST <= (major, minor) <= NEWEST:
        raise SetupError(f'Python {major}.{minor} cannot be used, 3.9 to 3.12 can: name one, e.g. '
                         'make setup PYTHON=python3.11')


def check_venv_module() -> None:
    """Raise SetupError if Python lacks the parts that make a virtual environment."""
    for name in ('venv', 'ensurepip'):
        if find_spec(name) is None:
            raise SetupError(f'this Python has no module {name!r}: install it '
                             '(Debian, Ubuntu: apt install python3-venv)')


def find_compiler(environ: Optional[Dict[str, str]] = None) -> List[str]:
    """Find a C++ compiler that can build a Python extension, as a list of words.

    Args:
        environ: variables to read (default: the process's); CXX precedes c++, g++, clang++.

    Raises:
        SetupError: there is no compiler, or it does not find the headers of C++ or of Python.
    """
    environ = dict(os.environ if environ is None else environ)
    candidates = [environ['CXX']] if environ.get('CXX') else ['c++', 'g++', 'clang++']
    for candidate in candidates:
        words = shlex.split(candidate)
        if words and shutil.which(words[0], path=environ.get('PATH')):
            break
    else:
        raise SetupError(f'no C++ compiler ({", ".join(candidates)} not found), and mmcv-full is '
                         'built from source: install one (Debian, Ubuntu: apt install g++)')
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, 'probe.cpp')
        with open(source, 'w') as file:
            file.write(COMPILER_PROBE)
        include = '-I' + sysconfig.get_paths()['include']
        probe = subprocess.run(words + [include, '-fsyntax-only', source], env=environ,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if probe.returncode:
        reason = (probe.stdout.decode(errors='replace').strip().splitlines() or ['no message'])[0]
        raise SetupError(f'the C++ compiler {candidate!r} cannot build a Python extension '
                         f'({reason[-160:]}): install what is missing '
                         '(Debian, Ubuntu: apt install g++ python3-dev)')
    return words


def missing_here() -> List[str]:
    """Missing parts of the runtime stack in the running Python; empty if it can be used.

    Looks for files and versions only and imports nothing.
    """
    missing = [name for name in RUNTIME_MODULES if find_spec(name) is None]
    if 'mmcv' not in missing:
        folder = list(find_spec('mmcv').submodule_search_locations)[0]
        if not any(name.startswith('_ext') for name in os.listdir(folder)):
            missing.append('the compiled mmcv (mmcv-full)')
        elif not version_of(['mmcv-full', 'mmcv'], default='1.').startswith('1.'):
            missing.append('mmcv 1.x')
    if 'mmseg' not in missing and not version_of(['mmsegmentation'], default='0.').startswith('0.'):
        missing.append('mmsegmentation 0.x')
    return missing


def faults_here() -> List[Fault]:
    """Faults of the running Python and its packages, in the order in which to mend them.

    Packages are imported, except those that depend on a broken one.
    """
    try:
        check_python()
    except SetupError:
        return [Fault('this Python cannot be used', sys.executable,
                      'Python ' + '.'.join(map(str, sys.version_info[:3])),
                      'Python {}.{} to {}.{}'.format(*OLDEST + NEWEST),
                      'make setup PYTHON=python3.11')]
    missing = missing_here()
    if missing:
        return [Fault('package is missing', name, 'not in ' + sys.executable, 'the packages of '
                      'README.md, "Install"', 'make setup, then start with its Python: '
                      '.venv/bin/python tools/doctor.py') for name in missing]
    for name in PROBES:
        try:
            import_module(name)
        except Exception as error:  # a package built for others fails in many ways
            text = ' '.join('{}: {}'.format(type(error).__name__, error).split())
            return [Fault('package cannot be imported', name, text[:400],
                          'versions that fit each other (README.md, "Install")', 'make setup')]
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
                  'torch ' + exact.group(1), 'make setup TORCH=torch=={}'.format(exact.group(1)))]


def version_of(distributions: Sequence[str], default: str) -> str:
    """Version of the first distribution installed here, else `default` (a vendored copy)."""
    from importlib.metadata import PackageNotFoundError, version  # not in Python 3.7
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return default


def default_packages(version: Tuple[int, ...]) -> Tuple[str, str]:
    """torch and torchvision by Python version: torch 2.11 needs 3.10, torch 2.8 is 3.9's last."""
    if tuple(version[:2]) < (3, 10):
        return 'torch==2.8.0', 'torchvision==0.23.0'
    return 'torch==2.11.0', 'torchvision==0.26.0'


def needs_cxx20(torch_version: str) -> bool:
    """Whether the headers of this torch require C++20, which mmcv-full does not request."""
    major, minor = (int(part) for part in re.findall(r'\d+', torch_version)[:2])
    return (major, minor) >= (2, 14)


def compile_jobs() -> int:
    """Number of compilers to run at once: one for each core, if memory allows."""
    if hasattr(os, 'sched_getaffinity'):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    try:
        memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2.0 ** 30
    except (AttributeError, ValueError, OSError):
        return cores
    return max(1, min(cores, int(memory / GIBIBYTE_PER_COMPILER)))
