"""Install everything mmseg_ssr needs into a virtual environment. `make setup` calls it.

A second call installs nothing. After an interruption, a call goes on with what is missing. The file
avoids newer syntax, so that an old Python can run it far enough to report its own age.
"""
import argparse
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(REPOSITORY, 'mmseg_ssr', 'utils'))

from installation import missing_here, python_fault

REQUIREMENTS = [os.path.join(REPOSITORY, name)
                for name in ('requirements-dev.txt', 'requirements.txt', 'setup.py')]
STARTUP_FILE = os.path.join(REPOSITORY, 'mmseg_ssr', 'utils', 'mmseg_ssr.pth')
MMCV, MMCV_FULL = 'mmcv==1.7.2', 'mmcv-full==1.7.2'
EXEC_AS_BEFORE = os.path.join(REPOSITORY, 'tools', 'exec_as_before')
BUILD_TOOLS = ['setuptools<80', 'wheel']  # later ones lack pkg_resources, which mmcv builds with
GIBIBYTE_PER_COMPILER = 1.5
#: The set of mmseg 1.x, as in the extra mmseg1 of setup.py, and what it needs beside the packages
#: of mmseg 0.x. Its own requirements would add a second OpenCV.
MMSEG1 = ['onedl-mmsegmentation==1.4.2', 'onedl-mmcv==2.3.6', 'onedl-mmengine==0.10.12']
BESIDE_MMSEG1 = ['ftfy', 'prettytable', 'regex', 'rich', 'termcolor']
#: Beginnings of names that an environment of mmseg 1.x does not share with that of mmseg 0.x.
NOT_SHARED = ('mm', '__', 'pip', 'setuptools', 'pkg_resources', '_distutils_hack')


class SetupError(Exception):
    """A reason to stop, reported in one line."""


class Environment:
    """A virtual environment in the folder `path`, for the packages in `torch`.

    With `base`, the Python of another environment, it holds mmcv alone and has the rest from there.
    """

    def __init__(self, path, torch, base=None):
        self.base = base
        self.path = os.path.abspath(path)
        self.python = os.path.join(self.path, 'bin', 'python')
        self.torch = torch
        self.stamp = os.path.join(self.path, 'installed')

    def install(self, full):
        """Install what is missing; with `full`, mmcv-full in the place of mmcv."""
        if read(self.stamp) == self.digest() and (self.has_operators() or not full):
            return
        started = time.time()
        say('making ' + os.path.relpath(self.path))
        self.create()
        if self.base:
            with open(os.path.join(self.packages(), 'base.pth'), 'w') as file:
                file.write(self.shared_packages())
        else:
            say('installing {} and the other packages: minutes, up to 3 GB to load'.format(
                ' '.join(self.torch)))
            self.pip(BUILD_TOOLS + self.torch + ['-r', REQUIREMENTS[0]])
        self.install_openmmlab(full)
        self.pip(['--no-deps', '--no-build-isolation', '-e', REPOSITORY])
        shutil.copy(STARTUP_FILE, os.path.join(self.packages(), 'mmseg_ssr.pth'))
        with open(self.stamp, 'w') as file:
            file.write(self.digest())
        say('{} is ready after {:.0f} s'.format(os.path.relpath(self.path), time.time() - started))

    def install_openmmlab(self, full):
        """Install what is missing of mmcv; mmseg is there already."""
        if full and not self.has_operators():
            self.build_mmcv_full()
        elif not self.has_operators():
            self.pip(['--no-deps', '--no-build-isolation', MMCV], PYTHONPATH=EXEC_AS_BEFORE)

    def shared_packages(self):
        """Return the folder of the base's packages."""
        return self.output_of(self.base, 'import sysconfig; print(sysconfig.get_path("purelib"))')

    def digest(self):
        """Return a fingerprint of what is installed; another one means: install again."""
        inputs = [str(sys.version_info[:2]), MMCV] + BUILD_TOOLS + self.torch
        return hashlib.sha256(
            '\0'.join(inputs + [read(path) for path in REQUIREMENTS]).encode()).hexdigest()

    def create(self):
        """Make the folder, or accept one that holds the same Python version."""
        version = '{}.{}'.format(*sys.version_info[:2])
        if os.path.exists(self.python):
            found = self.output_of(self.python, 'import sys; print("%d.%d" % sys.version_info[:2])')
            if found != version:
                raise SetupError('{} holds Python {}, not {}: remove that folder, or name another '
                                 'one with VENV='.format(self.path, found or '?', version))
        elif shutil.which('uv'):
            run(['uv', 'venv', '--quiet', '--seed', '--python', sys.executable, self.path])
        else:
            run([sys.executable, '-m', 'venv', self.path])

    def pip(self, arguments, **variables):
        """Install packages, by uv if it is there, else by pip."""
        if shutil.which('uv'):
            command = ['uv', 'pip', 'install', '--python', self.python]
        else:
            command = [self.python, '-m', 'pip', 'install', '--disable-pip-version-check']
        run(command + arguments, **variables)

    def output_of(self, python, code):
        """Return what the code prints."""
        return subprocess.run([python, '-c', code], stdout=subprocess.PIPE).stdout.decode().strip()

    def packages(self):
        """Return the folder of the installed packages."""
        return glob.glob(os.path.join(self.path, 'lib', 'python*', 'site-packages'))[0]

    def has_operators(self):
        """Whether the compiled part of mmcv-full is there and can be imported."""
        files = os.path.join(self.packages(), 'mmcv', '_ext*')
        return bool(glob.glob(files)) and not subprocess.run(
            [self.python, '-c', 'import torch, mmcv._ext'], stderr=subprocess.DEVNULL).returncode

    def build_mmcv_full(self):
        """Build mmcv-full without CUDA, by pip, which keeps the wheel for the next time."""
        if not shutil.which((os.environ.get('CXX') or 'c++').split()[0]):
            raise SetupError('mmcv-full is built from source, and there is no C++ compiler: '
                             'install one (Debian, Ubuntu: apt install g++ python3-dev)')
        say('building {}: about 6 minutes on 2 cores'.format(MMCV_FULL))
        pip = [self.python, '-m', 'pip']
        run(pip + ['install', '--quiet', 'ninja', 'psutil'])
        run(pip + ['uninstall', '--quiet', '--yes', 'mmcv'])
        build = pip + ['install', '--no-deps', '--no-build-isolation', MMCV_FULL]
        run(build, **self.build_variables())
        if not self.has_operators():
            say('the wheel that pip had kept does not fit this torch: building it anew')
            run(build + ['--no-cache-dir', '--force-reinstall', '--no-binary', 'mmcv-full'],
                **self.build_variables())

    def build_variables(self):
        """Variables of the build: without CUDA even if nvcc is installed, and not optimized."""
        compiler = os.environ.get('CXX') or 'c++'
        variables = dict(MMCV_WITH_OPS='1', FORCE_CUDA='0', CUDA_VISIBLE_DEVICES='',
                         CFLAGS='-O0 -g0', CXXFLAGS='-O0 -g0', CXX=compiler,
                         PYTHONPATH=EXEC_AS_BEFORE,
                         MAX_JOBS=os.environ.get('MAX_JOBS') or str(compilers()),
                         PATH=os.path.dirname(self.python) + os.pathsep + os.environ['PATH'])
        code = 'from importlib.metadata import version; print(version("torch"))'
        torch = self.output_of(self.python, code)
        if tuple(map(int, re.findall(r'\d+', torch)[:2])) >= (2, 14):  # its headers are C++20
            variables.update(CXX=os.path.join(REPOSITORY, 'tools', 'cxx20.sh'),
                             CXX20_COMPILER=compiler)
        return variables


class Mmseg1Environment(Environment):
    """An environment of mmseg 1.x. All packages but OpenMMLab's are those of the base.

    Both lines of OpenMMLab have the same module names. So the base's folder is not shared, but a
    folder of links to its other packages.
    """

    def install_openmmlab(self, full):
        """Install mmseg 1.x, mmcv 2.x without operators, and mmengine, by pip, which sees links."""
        pip = [self.python, '-m', 'pip', 'install', '--disable-pip-version-check', '--quiet']
        run(pip + BESIDE_MMSEG1)
        run(pip + ['--no-deps'] + MMSEG1)

    def shared_packages(self):
        """Make a folder of links to the base's packages, and return it."""
        base, links = Environment.shared_packages(self), os.path.join(self.path, 'shared')
        shutil.rmtree(links, ignore_errors=True)
        os.mkdir(links)
        for name in os.listdir(base):
            if not name.startswith(NOT_SHARED) and not name.endswith('.pth'):
                os.symlink(os.path.join(base, name), os.path.join(links, name))
        return links

    def digest(self):
        """Return a fingerprint of what is installed; another one means: install again."""
        inputs = [Environment.digest(self)] + MMSEG1 + BESIDE_MMSEG1
        return hashlib.sha256('\0'.join(inputs).encode()).hexdigest()


def compilers():
    """Return how many compilers run at once: one for each core, if memory allows."""
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2.0 ** 30
    return max(1, min(os.cpu_count() or 1, int(memory / GIBIBYTE_PER_COMPILER)))


def default_torch():
    """Return torch and torchvision for this Python: torch 2.8 is the last one for 3.9."""
    if sys.version_info[:2] < (3, 10):
        return ['torch==2.8.0', 'torchvision==0.23.0']
    return ['torch==2.11.0', 'torchvision==0.26.0']


def run(command, **variables):
    """Run a command with these variables.

    Raises:
        SetupError: it failed. What it printed says why.
    """
    code = subprocess.run(command, env=dict(os.environ, **variables)).returncode
    if code:
        raise SetupError('the last command failed (exit status {}): mend what it says and repeat '
                         'make setup, which goes on from here'.format(code))


def read(path):
    """Return the text of a file, empty if there is none."""
    if not os.path.exists(path):
        return ''
    with open(path, encoding='utf-8') as file:
        return file.read()


def say(text):
    """Print at once, even into a pipe."""
    print(text, flush=True)


def main(argv=None):
    """Run the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--venv', default='.venv', help='folder of the environment')
    parser.add_argument('--torch',
                        help='e.g. torch==2.10.0 (default: the version tested with this Python)')
    parser.add_argument('--torchvision', help='default: the version that fits torch')
    parser.add_argument('--mmcv', choices=('', 'full'), default='',
                        help='full: build the compiled operators of mmcv too')
    parser.add_argument('--mmseg1', action='store_true',
                        help='an environment of mmseg 1.x, beside that of --base')
    parser.add_argument('--base', help='Python of an environment with the other packages')
    parser.add_argument('--which', action='store_true', help='only print the Python that make uses')
    arguments = parser.parse_args(argv)
    torch = default_torch()
    if arguments.torch:
        torch = [arguments.torch, arguments.torchvision or 'torchvision']
    full = arguments.mmcv == 'full'
    kind = Mmseg1Environment if arguments.mmseg1 else Environment
    environment = kind(arguments.venv, torch, arguments.base)
    as_it_is = not arguments.mmseg1 and not missing_here(full)
    try:
        if python_fault():
            raise SetupError(python_fault())
        if arguments.which:
            say(sys.executable if as_it_is else environment.python)
        elif as_it_is and not os.path.realpath(sys.prefix) == os.path.realpath(environment.path):
            say('using {} as it is: it holds all packages'.format(sys.executable))
        else:
            environment.install(full)
    except SetupError as error:
        print('error: {}'.format(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('error: interrupted; make setup goes on with what is missing', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
