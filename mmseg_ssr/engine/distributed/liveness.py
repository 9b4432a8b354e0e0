"""Signs of life between the processes of a training, so that none waits for a dead one."""
import os
import sys
import threading
import time
from typing import Callable, NoReturn, Optional, Sequence

from torch import distributed as dist

#: Seconds of silence after which a process counts as dead. No living one pauses for so long.
SILENCE = 40.
EXIT_CODE = 3


class Liveness:
    """A sender of this process's signs of life. It ends the process if another one is dead.

    A collective operation waits for every process, up to half an hour, because process 0 may be
    writing a checkpoint. So signs of life go another way: a thread of each process sends them
    through the common store, and the process before it listens. A second thread only looks at the
    clock, because the first one may hang on a machine that is gone.

    Args:
        store: a connection to the common store that nothing else uses.
        rank, world_size: rank of this process, and number of processes.
        silence: seconds of silence after which a process counts as dead. Signs of life come 20
            times as often. After another process has stopped, this one has a fifth of the time to
            end by itself.
        end: function that ends the process. It gets the line to report, which is empty if another
            process reports.
        clock: function that returns the time in seconds, from any start.
        sleep: function that waits for a number of seconds.
    """

    def __init__(self, store: 'dist.Store', rank: int, world_size: int, silence: float = SILENCE,
                 end: Optional[Callable[[str], None]] = None,
                 clock: Callable[[], float] = time.monotonic,
                 sleep: Callable[[float], None] = time.sleep):
        self._store, self._rank, self._world_size = store, rank, world_size
        self._next = (rank + 1) % world_size
        self._silence, self._interval, self._grace = silence, silence / 20, silence / 5
        self._end = end or end_process
        self._clock, self._sleep = clock, sleep
        self._stopped = threading.Event()
        self._beats = 0
        self._last_beat = b''
        self._heard = self._contact = self._told = self._clock()
        self._trouble = ''

    def start(self) -> None:
        """Start the threads. Other processes may start up to ``silence`` seconds later."""
        for target in (self._keep_talking, self._keep_watching):
            threading.Thread(target=target, daemon=True).start()

    def stop(self) -> None:
        """Stop watching the other processes."""
        self._stopped.set()

    def report(self, error: str) -> bool:
        """Tell the others that this process stops with an error.

        Returns:
            Whether this process has to report the error. False if process 0 stops with the same
            one.
        """
        self._store.set(f'error {self._rank}', error)
        self._tell(f'process {self._rank} of 0 to {self._world_size - 1} has stopped: {error}')
        if self._rank > 0:
            return not self._appear(['error 0']) or self._store.get('error 0').decode() != error
        if self._appear([f'error {rank}' for rank in range(self._world_size)]):
            self._sleep(self._interval)  # this process may hold the store
        return True

    def _appear(self, keys: Sequence[str]) -> bool:
        """Wait shortly for keys in the store, and return whether they are there."""
        until = self._clock() + self._grace / 2
        while not self._store.check(list(keys)):
            if self._clock() > until:
                return False
            self._sleep(self._interval / 20)
        return True

    def await_verdict(self) -> None:
        """Wait after a failed collective operation. If a process is dead, this one ends here."""
        self._stopped.wait(self._silence + self._grace + 4 * self._interval)

    def _keep_talking(self) -> None:
        while not self._stopped.wait(self._interval if self._beats else 0) and self.talk():
            pass

    def talk(self) -> bool:
        """Send a sign of life and listen to the others. Return False if the store is gone."""
        try:
            self._exchange()
        except (RuntimeError, ValueError):  # the store is gone, or this job is over
            self._contact = self._clock() - self._silence + self._grace
            return False
        return True

    def _exchange(self) -> None:
        self._beats += 1
        self._store.set(f'beat {self._rank}', str(self._beats))
        key = f'beat {self._next}'
        beat = self._store.get(key) if self._store.check([key]) else b''
        told = self._store.get('trouble').decode() if self._store.check(['trouble']) else ''
        self._contact = self._clock()
        if beat != self._last_beat:
            self._last_beat, self._heard = beat, self._contact
        if told and not self._trouble:
            self._told, self._trouble = self._contact, told

    def _tell(self, trouble: str) -> None:
        """Tell all processes. Only the first message is kept."""
        self._store.compare_set('trouble', '', trouble)

    def _keep_watching(self) -> None:
        while not self._stopped.wait(self._interval):
            self.watch()

    def watch(self) -> None:
        """End this process if another one has been silent for too long or has stopped."""
        now = self._clock()
        if self._trouble:
            if now - self._told > self._grace:
                self._end(self._trouble if self._rank == 0 else '')
        elif now - self._contact > self._silence:
            self._end(self._line('the process that the others met at (process 0)'))
        elif now - self._heard > self._silence:
            line = self._line(f'process {self._next} of 0 to {self._world_size - 1}')
            self._tell(line)
            self._sleep(2 * self._interval)  # process 0 may hold the store
            self._end(line)

    def _line(self, silent: str) -> str:
        return (f'no sign of life from {silent}: it was killed, ran out of memory, or its machine '
                'cannot be reached; start all processes again with --resume-from auto')


def end_process(line: str) -> NoReturn:
    """End the process at once. Its main thread waits in an operation that nothing interrupts."""
    if line:
        sys.stderr.write(f'error: {line}\n')
        sys.stderr.flush()
    os._exit(EXIT_CODE)
