"""One function over many files, in several processes, with a progress bar on request."""
import argparse
import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Callable, Iterable, Iterator, List, Optional, Sequence, TypeVar

import cv2

from .. import distributed
from ..errors import DataError

Item = TypeVar('Item')
Result = TypeVar('Result')

#: Shows how far an iteration is: takes the iterable and its length, gives the same items.
Progress = Callable[[Iterable, int], Iterable]

CHUNK = 16
#: More processes than any machine has cores.
MOST_WORKERS = 4096


def default_workers() -> int:
    """Number of processes when the user names none: the cores that this one may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_count(text: str) -> int:
    """Number of processes in a command line, argparse's ``type``: 1 to :data:`MOST_WORKERS`."""
    try:
        if 1 <= int(text) <= MOST_WORKERS:
            return int(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f'must be an integer of 1 to {MOST_WORKERS}, got {text!r}')


def progress_bar(description: str) -> Progress:
    """A :data:`Progress` that draws a bar on standard error, by one process for all."""
    from tqdm import tqdm
    return lambda items, total: tqdm(items, total=total, desc=description, mininterval=0.5,
                                     disable=distributed.rank() > 0)


def parallel_map(function: Callable[[Item], Result], items: Sequence[Item], workers: int = 1,
                 progress: Optional[Progress] = None) -> List[Result]:
    """``[function(item) for item in items]`` in ``workers`` processes, in the order of ``items``.

    Args:
        function: a picklable function (module level, or ``functools.partial`` of one).
        workers: processes; fewer are started when there are few items, none for a single one.

    Raises:
        DataError: a process died (killed for memory, for one).
        Exception: whatever ``function`` raised first.
    """
    progress = progress or (lambda results, total: results)
    workers = min(workers, -(-len(items) // CHUNK))
    return list(progress(_results(function, items, workers), len(items)))


def _results(function: Callable[[Item], Result], items: Sequence[Item],
             workers: int) -> Iterator[Result]:
    if workers <= 1:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(os.getpid(),)) as pool:
        try:
            yield from pool.map(function, items, chunksize=CHUNK)
        except BrokenProcessPool as error:
            raise DataError(f'one of {workers} processes was killed, perhaps for lack of memory: '
                            'run again with fewer (--nproc 1); finished files are kept') from error


def _start_worker(parent: int) -> None:
    threading.Thread(target=_end_after, args=(parent, ), daemon=True).start()
    # Ctrl-C goes to every process: only the one that started the others shall answer it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(0)  # one thread per process; a forked OpenCV pool can hang


def _end_after(parent: int) -> None:
    """End this process when the one that started it is gone: nobody takes the results."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
