"""Signals that stop a training. It finishes its iteration, saves, and tells how to go on."""
import contextlib
import multiprocessing
import os
import shlex
import signal
import threading
from typing import Any, Dict, Iterator, Optional, Sequence

from .. import distributed
from ..errors import Interrupted

#: Ctrl-C, the signal of kill and batch systems, and the early warning of batch systems.
SIGNALS = [getattr(signal, name) for name in ('SIGINT', 'SIGTERM', 'SIGUSR1')
           if hasattr(signal, name)]


class Interruption:
    """A block in which a signal is a request to stop where nothing is lost.

    The first signal is noted, or raised as :class:`Interrupted` if it may be obeyed at once. A
    second one ends the process as usual. Signals that were ignored before, as in a background job,
    stay ignored. Outside the main thread nothing changes.

    Args:
        at_once: whether a signal is obeyed at once, anywhere in the program.
    """

    def __init__(self, at_once: bool = True):
        self.signum: Optional[int] = None
        self._at_once = at_once
        self._before: Dict[int, Any] = {}

    def __enter__(self) -> 'Interruption':
        if threading.current_thread() is threading.main_thread():
            self._before = {signum: signal.getsignal(signum) for signum in SIGNALS
                            if signal.getsignal(signum) is not signal.SIG_IGN}
            for signum in self._before:
                signal.signal(signum, self._note)
        return self

    def __exit__(self, error: Any, *_: Any) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)
        if error is None:
            self.obey()

    def obey(self) -> None:
        """Stop here if a signal has come.

        Raises:
            Interrupted: a signal has come.
        """
        if self.signum is not None:
            raise Interrupted(self.signum, f'stopped by {signal.Signals(self.signum).name}')

    @contextlib.contextmanager
    def obeyed_at_once(self) -> Iterator[None]:
        """Obey signals at once inside a block that may be left at any moment, as an evaluation.

        With several processes, signals still wait. Otherwise the other processes would wait
        forever.
        """
        before = self._at_once
        self._at_once = distributed.world_size() == 1
        try:
            if self._at_once:
                self.obey()
            yield
        finally:
            self._at_once = before

    def _note(self, signum: int, frame: Any) -> None:
        self.signum = signum
        for known in self._before:
            signal.signal(known, signal.SIG_DFL)
        if self._at_once:
            self.obey()
        text = f'\n{signal.Signals(signum).name}: stopping after this iteration; again: at once\n'
        os.write(2, text.encode())  # a logger may be in the middle of a line


def obey_parent_alone() -> None:
    """Let a helper process ignore signals to the whole job, which its parent answers.

    The training still needs the samples of the helper. A signal from the parent ends it as usual.
    """
    if not hasattr(signal, 'sigwaitinfo'):  # macOS does not tell who sent it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()  # the system's parent may be a server for processes
    pid = parent.pid if parent else os.getppid()
    while signal.sigwaitinfo(SIGNALS).si_pid != pid:
        pass
    os._exit(0)


@contextlib.contextmanager
def resumable(arguments: Sequence[str], work_dir: Optional[str] = None) -> Iterator[None]:
    """Let signals stop a block that trains, with a message that tells how to go on.

    Args:
        arguments, work_dir: see :func:`resume_command`.
    """
    try:
        with Interruption():
            yield
    except Interrupted as error:
        error.message += f'; to go on: {resume_command(arguments, work_dir)}'
        raise


def resume_command(arguments: Sequence[str], work_dir: Optional[str] = None) -> str:
    """Return the command line that resumes the training of this one.

    Args:
        arguments: script, or ``mmseg-ssr COMMAND``, and arguments of this process.
        work_dir: work directory of the training. None is for a command that finds it by itself.
    """
    if work_dir is None:
        return _started(arguments)
    kept, value_follows = [], False
    for argument in arguments:
        if argument.split('=')[0] in ('--work-dir', '--resume-from'):
            value_follows = '=' not in argument
        elif value_follows and not argument.startswith('-'):
            value_follows = False
        else:
            kept.append(argument)
            value_follows = False
    return _started([*kept, '--work-dir', work_dir, '--resume-from', 'auto'])


def _started(arguments: Sequence[str]) -> str:
    """Put the program before a script. With several machines, its arguments are left open."""
    program, *rest = arguments
    name, _, command = program.partition(' ')
    own = name == 'mmseg-ssr'
    script = f'-m mmseg_ssr {command}' if own else shlex.quote(program)
    size = distributed.world_size()
    if size > 1:
        on_this_machine = os.environ.get('LOCAL_WORLD_SIZE')
        known = f'--nproc_per_node {size}' if on_this_machine == str(size) else '...'
        start = f'torchrun {known} {script}'
    else:
        start = program if own else f'python {script}'
    return f'{start} {shlex.join(rest)}'
