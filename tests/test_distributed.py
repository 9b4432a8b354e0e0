"""What processes tell each other, with two of them."""
import pytest
import torch
from torch import distributed as dist

from mmseg_ssr import distributed
from mmseg_ssr.errors import UserError


def numbers():
    own = torch.tensor([1., 2.]) + 10 * dist.get_rank()
    return dict(
        place=(distributed.rank(), distributed.world_size()),
        total=distributed.total(own).tolist(), mean=distributed.mean(own).tolist(),
        own=own.tolist())


def test_sums_and_means(pair):
    first, second = pair(numbers)
    assert (first['place'], second['place']) == ((0, 2), (1, 2))
    assert first['total'] == second['total'] == [12, 14]
    assert first['mean'] == second['mean'] == [6, 7]
    assert second['own'] == [11, 12]  # what went in is left alone


def averaged(bucket):
    rank = float(dist.get_rank())
    gradients = [torch.full((3, 2), rank), torch.full((5,), 2 * rank, dtype=torch.float64),
                 torch.full((), 4 * rank), torch.full((4,), 8 * rank).to(torch.bfloat16)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, 'BUCKET', bucket)
        distributed.average_gradients(gradients)
    return [(g.dtype, g.flatten().tolist()) for g in gradients]


@pytest.mark.parametrize('bucket', [1, 8, 2 ** 24])
def test_gradients_are_averaged_whatever_the_buckets(pair, bucket):
    for result in pair(averaged, bucket):
        assert result == [(torch.float32, [.5] * 6), (torch.float64, [1.] * 5),
                          (torch.float32, [2.]), (torch.bfloat16, [4.] * 4)]


def broadcast():
    rank = dist.get_rank()
    tensors = [torch.full((2, 2), 1. + rank, requires_grad=True), torch.tensor(7 + rank),
               torch.tensor([rank == 0, True])]
    distributed.broadcast(tensors)
    return [tensor.tolist() for tensor in tensors]


def test_everybody_gets_the_tensors_of_the_first(pair):
    first, second = pair(broadcast)
    assert first == second == [[[1, 1], [1, 1]], 7, [True, True]]


def messages():
    rank = dist.get_rank()
    calls = []
    made = distributed.from_first(lambda: calls.append(rank) or dict(of=rank))
    turns = distributed.first_before_others(lambda: rank)
    return dict(made=made, calls=calls, turns=turns, all=distributed.values_of_all('ab'[rank]),
                gathered=distributed.gather('ab'[rank]),
                largest=[distributed.largest(number) for number in (rank, -rank)])


def test_messages(pair):
    first, second = pair(messages)
    assert first['made'] == second['made'] == dict(of=0)
    assert (first['calls'], second['calls']) == ([0], [])
    assert (first['turns'], second['turns']) == (0, 1)
    assert first['all'] == second['all'] == ['a', 'b']
    assert (first['gathered'], second['gathered']) == (['a', 'b'], None)
    assert first['largest'] == second['largest'] == [1, 0]


def the_first_alone():
    def ask():
        return [distributed.world_size(), distributed.rank(), distributed.gather('a'),
                distributed.values_of_all('a'), distributed.largest(3),
                distributed.total(torch.ones(())).item()]

    return [distributed.from_first(ask), distributed.world_size()]


def test_the_first_asks_nobody_while_the_others_wait(pair):
    """A page that is written at the end of a training counts the labels of all test images."""
    assert pair(the_first_alone) == 2 * [[[1, 0, ['a'], ['a'], 3, 1], 2]]


def fails_alone():
    with pytest.raises(UserError, match='no luck'):
        distributed.from_first(no_luck)
    return distributed.world_size()


def no_luck():
    raise UserError('no luck')


def test_after_an_error_they_work_together_again(pair):
    assert pair(fails_alone) == [2, 2]


def signal_numbers(backend):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dist, 'get_backend', lambda: backend)
        group = distributed.host_group()
    with torch.device('meta'):  # that of the network, which must not be read
        found = [distributed.largest(number, group) for number in (0, 15 * dist.get_rank())]
    return found, group is not None and dist.get_backend(group)


@pytest.mark.parametrize('backend, own', [('nccl', 'gloo'), ('undefined', False)])
def test_numbers_of_the_host_take_no_way_over_the_device(pair, backend, own):
    assert pair(signal_numbers, backend) == [([0, 15], own)] * 2


def in_turn(folder):
    def make():
        (folder / str(dist.get_rank())).touch()
        return sorted(file.name for file in folder.iterdir())

    return distributed.first_before_others(make)


def test_the_first_writes_before_the_others_read(pair, tmp_path):
    assert pair(in_turn, tmp_path)[1] == ['0', '1']


def failing():
    def fail():
        raise UserError('the disk is full')

    caught = []
    for call in (distributed.from_first, distributed.first_before_others):
        try:
            call(fail)
        except UserError as error:
            caught.append(str(error))
    return caught


def test_an_error_of_the_first_is_everybodys(pair):
    assert pair(failing) == [['the disk is full'] * 2] * 2


def test_alone_nothing_is_sent():
    gradient = torch.ones(2)
    distributed.average_gradients([gradient])
    distributed.broadcast([gradient])
    distributed.wait_for_all()
    assert (distributed.rank(), distributed.world_size()) == (0, 1)
    assert distributed.total(gradient) is gradient and distributed.mean(gradient) is gradient
    assert distributed.from_first(lambda: 3) == distributed.first_before_others(lambda: 3) == 3
    assert distributed.values_of_all(3) == distributed.gather(3) == [3]
    assert distributed.largest(3) == 3
    assert distributed.host_group() is None
