import multiprocessing
import os
import pickle
import signal
import threading
import time

import numpy as np
import pytest
import tiny_training
import torch
from mmcv.parallel import DataContainer
from mmseg.datasets.builder import build_dataset
from torch.utils.data import Dataset

from mmseg_ssr.engine.build import build_test_dataset, build_training_dataset
from mmseg_ssr.engine.data_loader import (
    PositionSampler,
    SampleStream,
    killed_worker,
    test_loader,
    training_loader,
)
from mmseg_ssr.engine.testing.submission import prepare_formatting
from mmseg_ssr.errors import UserError, explained


class Numbers(Dataset):
    """Item i is i and something random."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return dict(index=index, noise=np.random.rand(), more=torch.rand(1).item())


class Images(Numbers):
    def __getitem__(self, index):
        noise = torch.from_numpy(np.random.rand(1, 2, 2).astype(np.float32))
        return dict(img=DataContainer(noise + index, stack=True))


def values(loader):
    return torch.stack([batch['img'] for batch in loader])


def test_positions_of_one_process():
    assert list(PositionSampler(3, 2)) == [0, 1, 2, 3, 4, 5]
    assert list(PositionSampler(3, 2, first_iteration=2)) == [4, 5]
    assert len(PositionSampler(3, 2, first_iteration=2)) == 2


def test_processes_share_an_iteration():
    ranks = [list(PositionSampler(2, 2, rank=rank, world_size=3)) for rank in range(3)]
    assert ranks == [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]
    assert sorted(sum((r[:2] for r in ranks), [])) == list(PositionSampler(1, 6))


def test_every_pass_shows_every_sample_once_in_another_order():
    stream = SampleStream(Numbers(), seed=0)
    passes = [[stream[p]['index'] for p in range(5 * i, 5 * i + 5)] for i in range(4)]
    assert all(sorted(indices) == list(range(5)) for indices in passes)
    assert len(set(map(tuple, passes))) > 1


def test_a_sample_depends_on_seed_and_position_alone():
    stream = SampleStream(Numbers(), seed=0)
    forwards = [stream[p] for p in range(12)]
    np.random.seed(7)
    backwards = [SampleStream(Numbers(), seed=0)[p] for p in reversed(range(12))]
    assert forwards == backwards[::-1]
    assert forwards != [SampleStream(Numbers(), seed=1)[p] for p in range(12)]


def test_a_sample_leaves_no_trace_in_the_trainings_random_numbers():
    torch.manual_seed(0)
    np.random.seed(0)
    expected = (torch.rand(1).item(), np.random.rand())
    torch.manual_seed(0)
    np.random.seed(0)
    SampleStream(Numbers(), seed=0)[3]
    assert (torch.rand(1).item(), np.random.rand()) == expected


def test_pairs_of_domains_are_asked_by_position(data):
    pairs = build_dataset(dict(tiny_training.pairs(data), seed=4))
    stream = SampleStream(pairs, seed=9)
    position = len(pairs) + 3
    assert torch.equal(stream[position]['img'].data, pairs[position]['img'].data)


@pytest.mark.parametrize('workers', [0, 1, 2])
def test_the_sequence_is_the_same_with_any_number_of_workers(workers):
    expected = values(training_loader(Images(), 2, 6, seed=0))
    assert torch.equal(values(training_loader(Images(), 2, 6, seed=0, workers=workers)), expected)


@pytest.mark.parametrize('workers', [0, 2])
def test_a_loader_begun_later_goes_on_with_the_same_samples(workers):
    whole = values(training_loader(Images(), 2, 6, seed=0))
    rest = values(training_loader(Images(), 2, 6, seed=0, first_iteration=4, workers=workers))
    assert torch.equal(rest, whole[4:])


def test_making_an_iterator_draws_nothing():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    list(training_loader(Images(), 2, 1, seed=0, workers=1))
    assert torch.equal(torch.rand(1), expected)


def test_training_batches_are_plain_tensors_that_torch_can_pin(data):
    pairs = build_dataset(dict(tiny_training.pairs(data), seed=4))
    batch = next(iter(training_loader(pairs, 2, 1, seed=0)))
    assert all(torch.is_tensor(batch[key]) for key in ('img', 'gt_semantic_seg', 'target_img'))
    assert batch['img'].shape == (2, 3, 32, 32)
    for i, meta in enumerate(batch['img_metas']):
        assert meta['flip'] == pairs[i]['img_metas'].data['flip']
        assert torch.equal(batch['img'][i], pairs[i]['img'].data)


def test_workers_read_ahead_as_far_as_they_are_told():
    def prefetch_factor(**options):
        return training_loader(Images(), 2, 6, seed=0, **options).prefetch_factor

    assert prefetch_factor(workers=2, prefetch_factor=5) == 5
    assert prefetch_factor(workers=1) == 2
    assert prefetch_factor(prefetch_factor=5) is None  # without workers nobody reads ahead
    assert test_loader(Images(), workers=1, prefetch_factor=3).prefetch_factor == 3


def test_the_test_loader_goes_through_once_in_order():
    images = [batch['img'].data[0] for batch in test_loader(Images())]
    assert [int(image.flatten()[0]) for image in images] == list(range(5))


@pytest.mark.parametrize('kind', ['val', 'train'])
def test_data_sets_travel_to_processes_that_do_not_share_memory(data, config, kind):
    """As on systems that start processes anew (spawn)."""
    cfg = config(tiny_training.ssr_config(data))
    dataset = build_test_dataset(cfg) if kind == 'val' else build_training_dataset(cfg, 0)
    if kind == 'val':
        prepare_formatting(dataset)
    copy = pickle.loads(pickle.dumps(SampleStream(dataset, seed=0))).dataset
    assert len(copy) == len(dataset)


class Killed(Dataset):
    """Ends the process that reads it, as the system does for lack of memory."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_said():
    with pytest.raises(UserError, match='a process that loads data has ended .*lower '
                                        'data.workers_per_gpu and call again'):
        list(test_loader(Killed(), workers=1))
    with pytest.raises(RuntimeError, match='of another kind'), explained(killed_worker):
        raise RuntimeError('of another kind')


class Endless(Dataset):

    def __len__(self):
        return 10**6

    def __getitem__(self, index):
        return index


class Unplugged(Dataset):
    """A data set whose images lie behind a connection that breaks."""

    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 4

    def __getitem__(self, index):
        raise self.error


BROKEN = [ConnectionResetError(104, 'Connection reset by peer'), EOFError()]


@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize('error', BROKEN, ids=repr)
def test_a_broken_connection_of_a_data_set_is_no_killed_worker(error, workers):
    with pytest.raises(type(error)):
        next(iter(test_loader(Unplugged(error), workers=workers)))


@pytest.mark.parametrize('error', BROKEN, ids=repr)
def test_a_worker_that_is_gone_before_the_system_says_so(error):
    with pytest.raises(UserError, match=r'has ended \((.*Connection reset by peer|EOFError)'), \
            explained(killed_worker):
        raise error


def test_killed_workers_are_said_where_a_batch_is_waited_for():
    """Torch raises an error for each, whatever the program does when the system reports it."""
    loaders = [test_loader(Endless(), workers=2) for _ in range(2)]
    batches = [iter(loader) for loader in loaders]
    for some in batches:
        next(some)
    workers = [worker.pid for loader in loaders for worker in loader._iterator._workers]
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # leaves it to torch
        signal.raise_signal(signal.SIGCHLD)  # as in a destructor, where nobody could catch an error
    for some in batches:
        with pytest.raises(UserError, match='a process that loads data has ended'):
            for _ in some:
                signal.raise_signal(signal.SIGCHLD)
        signal.raise_signal(signal.SIGCHLD)
    assert next(iter(test_loader(Endless(), workers=1))) is not None


class Hanging(Endless):

    def __getitem__(self, index):
        time.sleep(60)


def test_a_worker_that_is_killed_while_a_batch_is_waited_for():
    """The wait ends at once, although the batch would never come."""
    others = multiprocessing.active_children()  # those of another test, which it will go on with

    def kill():
        for process in multiprocessing.active_children():
            if process not in others:
                process.kill()

    timer = threading.Timer(0.5, kill)
    timer.start()
    with pytest.raises(UserError, match='a process that loads data has ended'):
        next(iter(test_loader(Hanging(), workers=1)))
    timer.join()


test_loader.__test__ = False
