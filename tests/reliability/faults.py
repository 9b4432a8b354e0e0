"""Kills a process at a chosen step of writing files."""
import functools
import json
import os
import signal
from pathlib import Path

from mmseg_ssr.utils import atomic_file

CALLS = ('fsync', 'replace', 'symlink', 'remove')


class Steps:
    """Counts what this process does to files of a folder; kills it before one of these steps.

    A step is a call of ``os`` (see ``CALLS``), or a write into a file that is not whole yet; of
    the write that it dies in, a part still gets to the file.

    Args:
        kill_at: step to die in, counted from 0; None lets the process live.
        protocol: file that gets the names of the steps, as a JSON list, or None.
    """

    def __init__(self, kill_at=None, protocol=None):
        self.kill_at, self.protocol = kill_at, protocol
        self.names = []

    def install(self):
        for name in CALLS:
            setattr(os, name, self._counted(name, getattr(os, name)))
        atomic_file.open = lambda *args: MortalFile(open(*args), self)

    def _counted(self, name, call):
        @functools.wraps(call)
        def counted(*args, **kwargs):
            if self.reached(name):
                die()
            return call(*args, **kwargs)

        return counted

    def reached(self, name):
        self.names.append(name)
        return len(self.names) - 1 == self.kill_at

    def write_protocol(self):
        if self.protocol:
            Path(self.protocol).write_text(json.dumps(self.names))


class MortalFile:
    """A file whose writes are steps."""

    def __init__(self, file, steps):
        self._file, self._steps = file, steps

    def write(self, data):
        if self._steps.reached('write'):
            data = memoryview(data)
            self._file.write(data[:len(data) // 2])
            self._file.flush()
            die()
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self._file.__exit__(*error)


def die():
    os.kill(os.getpid(), signal.SIGKILL)
