"""Install everything mmseg_ssr needs into a virtual environment, in steps that can be restarted.

`make setup` calls it. Each finished step leaves a stamp in the environment, which holds a digest of
the step's inputs. So a second call installs nothing, and an interrupted one continues at the
unfinished step. The file avoids newer syntax, so that an old Python can run it far enough to report
its own age.
"""
import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from setup_checks import (
    SetupError,
    check_python,
    check_venv_module,
    compile_jobs,
    default_packages,
    find_compiler,
    missing_here,
    needs_cxx20,
)

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMPILER_WRAPPER = os.path.join(REPOSITORY, 'tools', 'cxx20.sh')
REQUIREMENTS, REQUIREMENTS_DEV, SETUP = (
    os.path.join(REPOSITORY, name)
    for name in ('requirements.txt', 'requirements-dev.txt', 'setup.py'))
BUILD_TOOLS = ['pip', 'setuptools<80', 'wheel', 'ninja', 'psutil']
MMCV = 'mmcv-full==1.7.2'
MMCV_PROBE = 'from mmcv.ops import nms'  # fails unless the compiled part fits the installed torch
THIS_VERSION = '{}.{}'.format(*sys.version_info[:2])
PYTHON_VERSION = 'import sys; print("%d.%d" % sys.version_info[:2])'
TORCH_VERSION = 'from importlib.metadata import version; print(version("torch"))'


class Step(NamedTuple):
    """One part of the installation, which can be restarted."""
    name: str
    announcement: str
    inputs: Sequence[str]  # a change of these inputs runs the step again
    action: Callable[[], None]


class Environment:
    """A virtual environment in the folder `path`. Its commands print to `path`/setup.log."""

    def __init__(self, path: str, torch: str, torchvision: str):
        self.path = os.path.abspath(path)
        self.name = os.path.relpath(self.path)
        self.python = os.path.join(self.path, 'bin', 'python')
        self.log = os.path.join(self.path, 'setup.log')
        self.torch = [torch, torchvision]

    def steps(self) -> List[Step]:
        """All steps in their order."""
        return [
            Step('venv', f'making {self.name}', [THIS_VERSION], self.create),
            Step('build-tools', 'installing pip, setuptools, ninja: under a minute',
                 BUILD_TOOLS, lambda: self.pip(['--upgrade'] + BUILD_TOOLS)),
            Step('torch', f'installing {" ".join(self.torch)}: 2 to 10 minutes, up to 3 GB to load',
                 self.torch, lambda: self.pip(self.torch)),
            Step('requirements', 'installing the other packages: 1 to 3 minutes',
                 [read(REQUIREMENTS), read(REQUIREMENTS_DEV)],
                 lambda: self.pip(['-r', REQUIREMENTS_DEV])),
            Step('mmcv', f'building {MMCV}: about 6 minutes on 2 cores, seconds where pip has '
                 'kept its wheel', self.torch + [MMCV], self.install_mmcv),
            Step('project', 'installing mmseg_ssr, editable: seconds', [read(SETUP)],
                 lambda: self.pip(['--no-deps', '--no-build-isolation', '-e', REPOSITORY])),
        ]

    def is_running(self) -> bool:
        """Whether the Python that runs this script is the environment's own."""
        return os.path.realpath(sys.prefix) == os.path.realpath(self.path)

    # ------------------------------------------------------------ the steps
    def create(self) -> None:
        """Make the folder, or accept one that holds the same Python version."""
        if os.path.exists(self.python):
            found = self.output_of(PYTHON_VERSION)
            if found != THIS_VERSION:
                raise SetupError(f'{self.name} holds Python {found or "?"}, not {THIS_VERSION}: '
                                 'remove that folder, or name another one with VENV=')
            if self.succeeds(['-m', 'pip', '--version']):
                return
        self.run([sys.executable, '-m', 'venv', self.path])

    def pip(self, arguments: Sequence[str], environ: Optional[Dict[str, str]] = None) -> None:
        """Run `pip install ARGUMENTS` in the environment."""
        self.run([self.python, '-m', 'pip', 'install', '-v'] + list(arguments), environ=environ)

    def install_mmcv(self) -> None:
        """Install mmcv-full with its CPU operators. A wheel built for another torch is built again.

        Its dependencies are in requirements.txt, because the wheel may request a second OpenCV.
        """
        environ = self.mmcv_environ()
        arguments = ['--no-build-isolation', '--no-deps', MMCV]
        self.pip(arguments, environ=environ)
        if not self.succeeds(['-c', MMCV_PROBE]):
            say('      the wheel pip had kept does not fit this torch: building it anew')
            anew = ['--no-cache-dir', '--force-reinstall', '--no-binary', 'mmcv-full']
            self.pip(anew + arguments, environ=environ)
            self.run([self.python, '-c', MMCV_PROBE])

    def mmcv_environ(self) -> Dict[str, str]:
        """Variables for the build: without CUDA even if nvcc is installed, and not optimized."""
        compiler = ' '.join(find_compiler())
        environ = {
            'MMCV_WITH_OPS': '1',
            'FORCE_CUDA': '0',
            'CUDA_VISIBLE_DEVICES': '',
            'CFLAGS': '-O0 -g0',  # 6 minutes instead of 10, and training uses no operator
            'CXXFLAGS': '-O0 -g0',
            'MAX_JOBS': os.environ.get('MAX_JOBS') or str(compile_jobs()),
            'CXX': compiler,
        }
        if needs_cxx20(self.output_of(TORCH_VERSION)):
            environ.update(CXX=COMPILER_WRAPPER, CXX20_COMPILER=compiler)
        return environ

    # ------------------------------------------------------------ commands
    def run(self, command: Sequence[str], environ: Optional[Dict[str, str]] = None) -> None:
        """Run a command with its output in the log, and report progress now and then.

        Raises:
            SetupError: the command failed; the last lines of its output are shown first.
        """
        os.makedirs(self.path, exist_ok=True)
        with open(self.log, 'ab') as log:
            begin = log.tell()
            log.write(f'\n$ {" ".join(command)}\n'.encode())
            log.flush()
            process = subprocess.Popen(
                list(command), stdout=log, stderr=subprocess.STDOUT, cwd=REPOSITORY,
                env=dict(os.environ, **self.activation(), **(environ or {})))
            code = self.wait(process, begin=begin)
        if code:
            for line in self.log_since(begin).splitlines()[-15:]:
                print('    ' + line[:200], file=sys.stderr)
            raise SetupError(f'the last command failed (exit status {code}), all it said is in '
                             f'{os.path.relpath(self.log)}: mend the cause and repeat make setup, '
                             'which goes on from here')

    def wait(self, process: subprocess.Popen, begin: int, every: float = 60.0) -> int:
        """Wait for the process. Each `every` seconds, report how many files it has compiled."""
        started = time.time()
        while True:
            try:
                return process.wait(timeout=every)
            except subprocess.TimeoutExpired:
                compiled = re.findall(r'\[(\d+)/(\d+)\]', self.log_since(begin))
                so_far = ', {} of {} files compiled'.format(*compiled[-1]) if compiled else ''
                say(f'      {time.time() - started:.0f} s{so_far} ...')

    def log_since(self, begin: int) -> str:
        """Read the log from byte `begin` on."""
        with open(self.log, 'rb') as log:
            log.seek(begin)
            return log.read().decode(errors='replace')

    def activation(self) -> Dict[str, str]:
        """Variables of `activate` (torch looks for ninja on PATH), and a pip that never asks."""
        search = os.path.dirname(self.python) + os.pathsep + os.environ.get('PATH', os.defpath)
        return {'VIRTUAL_ENV': self.path, 'PATH': search, 'PIP_NO_INPUT': '1',
                'PIP_DISABLE_PIP_VERSION_CHECK': '1'}

    def succeeds(self, arguments: Sequence[str]) -> bool:
        """Whether the environment's Python runs `arguments` without an error."""
        return subprocess.run([self.python] + list(arguments), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def output_of(self, code: str) -> str:
        """Output of the code in the environment's Python."""
        return subprocess.run([self.python, '-c', code],
                              stdout=subprocess.PIPE).stdout.decode().strip()

    # ------------------------------------------------------------ stamps
    def stamp(self, step: Step) -> str:
        """Path of the stamp of a step."""
        return os.path.join(self.path, 'stamps', step.name)

    def done(self, step: Step) -> bool:
        """Whether the step was finished with the same inputs that it would have now."""
        path = self.stamp(step)
        return (os.path.exists(self.python) and os.path.exists(path)
                and read(path).strip() == digest(step.inputs))

    def finish(self, step: Step) -> None:
        """Record that the step is done."""
        os.makedirs(os.path.dirname(self.stamp(step)), exist_ok=True)
        with open(self.stamp(step), 'w') as file:
            file.write(digest(step.inputs) + '\n')


def digest(inputs: Sequence[str]) -> str:
    """A short fingerprint of the texts."""
    return hashlib.sha256('\0'.join(inputs).encode()).hexdigest()[:16]


def read(path: str) -> str:
    """The text of a file."""
    with open(path, encoding='utf-8') as file:
        return file.read()


def say(text: str) -> None:
    """Print at once, even into a pipe."""
    print(text, flush=True)


def install(environment: Environment) -> None:
    """Do the unfinished steps."""
    todo = [step for step in environment.steps() if not environment.done(step)]
    names = [step.name for step in todo]
    if 'venv' in names:
        check_venv_module()
    if 'mmcv' in names:
        find_compiler()
    begin = time.time()
    for number, step in enumerate(todo, start=1):
        say(f'[{number}/{len(todo)}] {step.announcement}')
        started = time.time()
        step.action()
        environment.finish(step)
        say(f'      done in {time.time() - started:.0f} s')
    if todo:
        say(f'{environment.name} is ready after {time.time() - begin:.0f} s '
            f'(log: {os.path.relpath(environment.log)})')


def setup(environment: Environment, which: bool) -> None:
    """Install, unless the running Python holds all packages. `which` only prints the Python."""
    if not environment.is_running():
        missing = missing_here()
        if not missing:
            as_it_is = f'using {sys.executable} as it is: it holds torch, mmcv-full and the rest'
            say(sys.executable if which else as_it_is)
            return
        if not which and not {'torch', 'mmcv'} & set(missing):
            say(f'note: {sys.executable} has torch and mmcv, but not {", ".join(missing)}: '
                f'{environment.name} is used instead')
    if which:
        say(environment.python)
    else:
        install(environment)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--venv', default='.venv', help='folder of the environment')
    parser.add_argument('--torch',
                        help='e.g. torch==2.10.0 (default: the version tested with this Python)')
    parser.add_argument('--torchvision', help='default: the version that fits torch')
    parser.add_argument('--which', action='store_true', help='only print the Python that make uses')
    arguments = parser.parse_args(argv)
    try:
        check_python()
        torch, torchvision = default_packages(sys.version_info)
        if arguments.torch:
            torch, torchvision = arguments.torch, 'torchvision'
        setup(Environment(arguments.venv, torch=torch,
                          torchvision=arguments.torchvision or torchvision), which=arguments.which)
    except SetupError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('error: interrupted; make setup goes on at the step that was not finished',
              file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
