"""The networks of two processes are one network."""
import pytest
import tiny_training
import torch
from torch import distributed as dist
from torch import nn

from mmseg_ssr.engine.distributed.replicas import check_agreement
from mmseg_ssr.errors import UserError
from mmseg_ssr.uda import EMATeacher
from mmseg_ssr.uda.replicas import check_replicas, checksum, share_networks


class Method(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.teacher = EMATeacher(self.model)


def said(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except UserError as error:
        return str(error)
    return ''


def shared():
    torch.manual_seed(dist.get_rank())
    method = Method()
    before = said(check_replicas, method, 'at first')
    share_networks(method)
    return before, said(check_replicas, method, 'then'), dict(
        method.state_dict(), **method.teacher.network.state_dict(prefix='teacher.'))


def test_processes_start_from_the_networks_of_the_first(pair):
    (before, after, first), (_, _, second) = pair(shared)
    assert 'at first the processes have different networks (model.0.weight, ' in before
    assert after == '' and len(first) == 14
    assert all(torch.equal(first[name], second[name]) for name in first)


def one_bit_off(name):
    method = Method()
    share_networks(method)
    tensors = dict(method.named_parameters(), **dict(method.named_buffers()))
    tensors.update({f'teacher.{name}': tensor for name, tensor
                    in method.teacher.network.named_parameters()})
    if dist.get_rank() == 1:
        tensors[name].data.view(torch.int32 if tensors[name].is_floating_point() else torch.int64
                                ).flatten()[0] += 1
    return said(check_replicas, method, 'after iteration 7')


@pytest.mark.parametrize('name', ['model.0.weight', 'model.1.running_var',
                                  'model.1.num_batches_tracked', 'teacher.0.bias'])
def test_a_single_bit_is_noticed_by_all(pair, name):
    for text in pair(one_bit_off, name):
        assert f'after iteration 7 the processes have different networks ({name}): ' in text


def agreement():
    return said(check_agreement, seed=3, number_of_images=5 + dist.get_rank())


def test_processes_that_disagree(pair):
    assert pair(agreement) == [
        'process 1 has another number of images than process 0: start all of them with the same '
        'command on the same files'] * 2


def test_alone_all_agree():
    assert said(check_agreement, seed=3) == said(check_replicas, Method(), 'now') == ''


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.float16, torch.bfloat16,
                                   torch.int64, torch.uint8, torch.bool])
def test_checksums_of_all_types(dtype):
    one = torch.tensor([[0, 1], [1, 1]]).to(dtype)
    other = torch.tensor([[0, 1], [1, 0]]).to(dtype)
    assert checksum(one) == checksum(one.clone()) != checksum(other)
    assert checksum(one[0, 0]) == 0


def train_apart(data, folder):
    """A training whose gradients are not averaged."""
    from mmseg_ssr import distributed
    from mmseg_ssr.engine.config.load import load_config
    from mmseg_ssr.engine.training.train import train
    cfg = load_config(tiny_training.write_config(
        folder / f'{dist.get_rank()}.py', tiny_training.method_config(data, 4)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, 'average_gradients', lambda gradients: None)
        return said(train, cfg, str(folder / 'run'), torch.device('cpu'), evaluate=False)


def test_a_training_that_is_not_synchronized_stops_at_once(pair, data, tmp_path):
    for text in pair(train_apart, data, tmp_path):
        assert text.startswith('after iteration 1 the processes have different networks')
        assert 'gradients were not averaged' in text
