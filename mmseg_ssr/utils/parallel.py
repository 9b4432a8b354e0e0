"""Mapping of a function over many items in several processes, with an optional progress bar."""
import argparse
import multiprocessing
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

#: A function that shows the progress of an iteration. It takes the iterable and its length, and
#: returns the same items.
Progress = Callable[[Iterable, int], Iterable]

CHUNK = 16
#: More processes than any machine has cores.
MOST_WORKERS = 4096


def default_workers() -> int:
    """Return the default number of processes: the cores that this one may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_count(text: str) -> int:
    """Parse a number of processes, 1 to :data:`MOST_WORKERS`, as argparse's ``type``."""
    try:
        if 1 <= int(text) <= MOST_WORKERS:
            return int(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f'must be an integer of 1 to {MOST_WORKERS}, got {text!r}')


def progress_bar(description: str) -> Progress:
    """Return a :data:`Progress` with a bar on standard error. Only process 0 draws it."""
    from tqdm import tqdm
    return lambda items, total: tqdm(items, total=total, desc=description, mininterval=0.5,
                                     disable=distributed.rank() > 0)


def parallel_map(function: Callable[[Item], Result], items: Sequence[Item], workers: int = 1,
                 progress: Optional[Progress] = None) -> List[Result]:
    """Compute ``[function(item) for item in items]`` in ``workers`` processes.

    Args:
        function: a picklable function (module level, or ``functools.partial`` of one).
        items: arguments of the function. The results keep their order.
        workers: number of processes. Fewer are started for few items. One process is not started
            at all, and the work is done here.
        progress: display of the progress, or None.

    Raises:
        DataError: a process died, for example for lack of memory.
        Exception: the first error that ``function`` raised.
    """
    progress = progress or (lambda results, total: results)
    workers = min(workers, -(-len(items) // CHUNK))
    return list(progress(_results(function, items, workers), len(items)))


def _results(function: Callable[[Item], Result], items: Sequence[Item],
             workers: int) -> Iterator[Result]:
    if workers <= 1:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(workers, initializer=_start_worker) as pool:
        try:
            yield from pool.map(function, items, chunksize=CHUNK)
        except BrokenProcessPool as error:
            raise DataError(f'one of {workers} processes was killed, perhaps for lack of memory: '
                            'run again with fewer (--nproc 1); finished files are kept') from error


def _start_worker() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Ctrl-C goes to every process, but only the one that started the others should answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(0)  # one thread per process, because a forked OpenCV pool can hang


def _end_with_parent() -> None:
    """End this process when the one that started it is gone and nobody takes the results.

    The system's parent may be another one: a server that starts processes for it.
    """
    while multiprocessing.parent_process().is_alive():
        time.sleep(1)
    os._exit(1)
