"""Data loaders whose samples only depend on the seed and their position in the stream.

So a resumed training sees the same samples, and so does one with another number of workers.
"""
import contextlib
import signal
import threading
from functools import partial
from typing import Any, Callable, ContextManager, Iterable, Iterator, Optional, Sequence

import cv2
import numpy as np
import torch
from mmcv.parallel import collate
from torch.utils.data import DataLoader, Dataset, Sampler

from .. import distributed
from ..datasets.uda_dataset import UDADataset
from ..errors import UserError, explained, one_line
from ..utils.seeding import seeded
from ..utils.signals import obey_parent_alone
from .on_device import to_device

CPU = torch.device('cpu')
#: What comes after the last batch.
END = object()


class PositionSampler(Sampler):
    """Positions in the stream of samples, in order, for one of ``world_size`` processes.

    Iteration ``t`` takes positions ``t * B * W`` to ``(t + 1) * B * W - 1``. Rank ``r`` of ``W``
    gets their ``r``-th block of ``B``. So N processes with batch B/N together see the samples of
    one process with batch B.

    Args:
        iterations: number of iterations of the whole training.
        batch_size: B, number of samples per iteration on this process.
        first_iteration: iteration to begin with, for a resumed training.
        rank, world_size: r and W.
    """

    def __init__(self, iterations: int, batch_size: int, first_iteration: int = 0,
                 rank: int = 0, world_size: int = 1):
        self.iterations = iterations
        self.batch_size = batch_size
        self.first_iteration = first_iteration
        self.rank = rank
        self.world_size = world_size

    def __iter__(self) -> Iterator[int]:
        for iteration in range(self.first_iteration, self.iterations):
            start = (iteration * self.world_size + self.rank) * self.batch_size
            yield from range(start, start + self.batch_size)

    def __len__(self) -> int:
        return (self.iterations - self.first_iteration) * self.batch_size


class SampleStream(Dataset):
    """An endless stream of shuffled samples. Sample ``p`` only depends on ``(seed, p)``.

    Each pass over the data set has its own order. ``UDADataset`` is such a stream itself, so it
    gets the position directly.
    """

    def __init__(self, dataset: Dataset, seed: int):
        self.dataset = dataset
        self.seed = seed
        self._epoch: Optional[int] = None
        self._order: Optional[np.ndarray] = None

    def __getitem__(self, position: int) -> Any:
        if isinstance(self.dataset, UDADataset):
            return self.dataset[position]
        with seeded(self.seed, position):
            return self.dataset[self._index(position)]

    def _index(self, position: int) -> int:
        epoch, step = divmod(position, len(self.dataset))
        if epoch != self._epoch:
            rng = np.random.default_rng((self.seed, epoch))
            self._epoch, self._order = epoch, rng.permutation(len(self.dataset))
        return int(self._order[step])


def training_loader(dataset: Dataset, batch_size: int, iterations: int, seed: int,
                    first_iteration: int = 0, workers: int = 0,
                    device: Optional[torch.device] = None,
                    prefetch_factor: Optional[int] = None) -> DataLoader:
    """Return a loader of this process's batches, as tensors.

    It covers the iterations ``first_iteration`` to ``iterations - 1``.

    Args:
        dataset: data set of the training.
        batch_size: number of samples per iteration on this process.
        iterations: number of iterations of the whole training.
        seed: seed of the stream of samples.
        first_iteration: iteration to begin with.
        workers: number of processes that load data. 0 loads in this process.
        device: device that batches will move to. Memory is pinned unless it is the CPU.
        prefetch_factor: number of batches that each worker reads ahead. None is torch's default, 2.
    """
    sampler = PositionSampler(iterations, batch_size, first_iteration, distributed.rank(),
                              distributed.world_size())
    return _loader(SampleStream(dataset, seed), batch_size, workers, device, prefetch_factor,
                   sampler, partial(_collate_plain, batch_size=batch_size))


def test_loader(dataset: Dataset, workers: int = 0, device: Optional[torch.device] = None,
                prefetch_factor: Optional[int] = None) -> DataLoader:
    """Return a loader of one image after the other, in the data set's order.

    The images are in mmseg's containers. Of N processes each gets every N-th image.

    Args:
        dataset: data set of the images.
        workers, device, prefetch_factor: see :func:`training_loader`.
    """
    sampler = range(distributed.rank(), len(dataset), distributed.world_size())
    return _loader(dataset, 1, workers, device, prefetch_factor, sampler)


class Loader(DataLoader):
    """Torch's loader, which tells the end of its processes in one line, where it waits for them.

    When the system reports a dead process, torch raises an error wherever the program is then, and
    does so for each of them. In a destructor, Python would print that as a traceback and go on.
    """

    def __iter__(self) -> Iterator[Any]:
        with explained(killed_worker) if self.num_workers else contextlib.nullcontext():
            batches = super().__iter__()
            waiting = _answer_where_waited()
            while True:
                with waiting():
                    batch = next(batches, END)
                if batch is END:
                    return
                yield batch


def killed_worker(error: Exception) -> Optional[UserError]:
    """Explain the end of a process that loads data, or return None for another error."""
    told = isinstance(error, RuntimeError) and str(error).startswith('DataLoader worker (pid')
    # The connection breaks first if the system has not told the end yet. The same errors of a data
    # set come from its process with another text, and without a number.
    broken = (isinstance(error, ConnectionError) and error.errno is not None
              or isinstance(error, EOFError) and not error.args)
    if told or broken:
        return UserError(f'a process that loads data has ended ({one_line(error)}), perhaps for '
                         'lack of memory: lower data.workers_per_gpu and call again (a training '
                         'goes on with --resume-from auto)')
    return None


class _WhereWaited:
    """Torch's answer to the signal that a process has ended, given where a batch is waited for."""

    def __init__(self, answer: Callable[[int, Any], None]):
        self._answer, self._waits, self._noted = answer, False, False

    def __call__(self, signum: int, frame: Any) -> None:
        if not self._waits:
            self._noted = True
            return
        self._waits = False  # a second process must not disturb the way out
        self._answer(signum, frame)
        self._waits = True

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Answer in this block, also a signal that came before."""
        self._waits = True
        try:
            if self._noted:
                self._noted = False
                self(signal.SIGCHLD, None)
            yield
        finally:
            self._waits = False


def _answer_where_waited() -> Callable[[], ContextManager]:
    """Wrap the answer that torch has set. Only the main thread may, and torch does so too."""
    if not hasattr(signal, 'SIGCHLD') or threading.current_thread() is not threading.main_thread():
        return contextlib.nullcontext
    answer = signal.getsignal(signal.SIGCHLD)
    if not callable(answer):  # no loader has processes
        return contextlib.nullcontext
    if not isinstance(answer, _WhereWaited):
        answer = _WhereWaited(answer)
        signal.signal(signal.SIGCHLD, answer)
    return answer.waiting


def _loader(dataset: Dataset, batch_size: int, workers: int, device: Optional[torch.device],
            prefetch_factor: Optional[int], sampler: Iterable[int],
            collate_fn: Callable = collate) -> DataLoader:
    return Loader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=collate_fn,
        pin_memory=device is not None and device.type != 'cpu',
        persistent_workers=workers > 0,
        prefetch_factor=prefetch_factor if workers > 0 else None,
        worker_init_fn=_start_worker,
        # With its own generator, a new iterator does not draw from the training's.
        generator=torch.Generator().manual_seed(0))


def _collate_plain(samples: Sequence[Any], batch_size: int) -> Any:
    """Make a batch without mmcv's containers. Torch cannot pin the tensors inside them."""
    return to_device(collate(samples, samples_per_gpu=batch_size), CPU)


def _start_worker(worker: int) -> None:
    cv2.setNumThreads(0)  # one thread per worker, because a forked OpenCV pool can hang
    obey_parent_alone()
