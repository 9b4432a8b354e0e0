"""What a command of ours does before it imports torch, and Ctrl-C during that import."""
import contextlib
import ctypes
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Iterator

PACKAGE = Path(__file__).resolve().parent

#: Parameters of glibc's ``mallopt``, and their values: blocks of any size come from the heap, and
#: the heap never shrinks.
KEEP_MEMORY = {'M_MMAP_MAX': (-4, 0), 'M_TRIM_THRESHOLD': (-1, -1)}


def settle_process() -> None:
    """Suit the process to networks on a CPU, if it is a command of ours. Call it before torch.

    Waiting threads sleep. Threads that spin take cores from the data loader: an iteration of the
    demo took 4.6 s instead of 0.18 s beside two busy programs. ``OMP_WAIT_POLICY`` of the
    environment has priority.
    """
    if is_command():
        os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
        keep_freed_memory()


def keep_freed_memory() -> None:
    """Let the memory of a layer stay in this process, and in those that it forks, for the next one.

    Without that, glibc gives large blocks back and fetches them again, zeroed. Any ``MALLOC_...``
    of the environment has priority. On other systems nothing changes.
    """
    if sys.platform == 'linux' and not any(name.startswith('MALLOC_') for name in os.environ):
        mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)  # musl has none
        for parameter, value in KEEP_MEMORY.values() if mallopt else ():
            mallopt(parameter, value)


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Let Ctrl-C end a command of ours in one line, in a block that only imports.

    The exit code is 130, as later. Other programs that import the package keep their signals, and
    so do those that ignore Ctrl-C or answer it in a way of their own.
    """
    before = signal.getsignal(signal.SIGINT)
    if (before is not signal.default_int_handler or not is_command()
            or threading.current_thread() is not threading.main_thread()):
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def is_command() -> bool:
    """Whether the program that runs is a command of this package, and not somebody's script."""
    words = getattr(sys, 'orig_argv', [])  # Python 3.10 and later
    if sys.argv[:1] == ['-m']:  # as long as Python looks for the module
        return words[words.index('-m') + 1:][:1] == [PACKAGE.name] if '-m' in words else False
    script = Path(getattr(sys.modules['__main__'], '__file__', None) or '').resolve()
    return (script.parent in (PACKAGE, PACKAGE.parent / 'tools',
                              PACKAGE.parent / 'tools' / 'convert_datasets')
            or script == PACKAGE.parent / 'run_experiments.py' or script.name == 'mmseg-ssr')


def _end(signum: int, frame: Any) -> None:
    """End at once. An exception may be lost, or reported by whatever C code is importing."""
    os.write(2, b'stopped by SIGINT\n')
    os._exit(128 + signum)
