"""Which checkpoints a training may go on from. Each fault is found before the training starts."""
import random
from copy import deepcopy

import pytest
import torch
from torch import nn

from mmseg_ssr.engine.checkpoint.random_state import random_state
from mmseg_ssr.engine.checkpoint.resume import check_restored, check_resumable
from mmseg_ssr.errors import CheckpointError


class Method(nn.Linear):
    """A model with a training state."""

    def __init__(self):
        super().__init__(2, 3)

    def load_training_state(self, state):
        pass


def adam(model):
    return torch.optim.Adam([*model.parameters()], lr=0.1)


def state_of(model, iteration=5):
    """The content of a checkpoint of the model, after two steps of its optimizer."""
    optimizer = adam(model)
    for _ in range(2):
        model(torch.randn(4, 2)).square().sum().backward()
        optimizer.step()
    network = {'weight': torch.ones(2), 'steps': torch.tensor(3)}
    return dict(
        meta=dict(iter=iteration), state_dict=model.state_dict(),
        optimizer=optimizer.state_dict(), random_state=random_state(),
        log_buffer=dict(values=dict(loss=[1., 2]), counts=dict(loss=[1, 1])),
        training_state=dict(
            iteration=iteration, teachers=[dict(network=dict(network))],
            adversary=dict(network=dict(network)), regularizer=dict(network),
            feature_distance=dict(network), loss_terms=dict(network)))


@pytest.fixture
def content():
    return state_of(Method())


def test_what_a_training_leaves_is_resumable_up_to_its_end(content):
    check_resumable(content, Method(), 5, 'x.pth')
    check_resumable(state_of(Method(), 0), Method(), 5, 'x.pth')
    with pytest.raises(CheckpointError, match=r'iteration 5, past the end of .* \(4 iterations\)'):
        check_resumable(content, Method(), 4, 'x.pth')


@pytest.mark.parametrize('part', ['meta', 'state_dict', 'optimizer', 'random_state', 'log_buffer',
                                  'training_state'])
def test_every_part_is_needed_and_is_a_dict(content, part):
    with pytest.raises(CheckpointError, match=f'x.pth is damaged: its {part} is no dict'):
        check_resumable(dict(content, **{part: [1]}), Method(), 9, 'x.pth')
    del content[part]
    with pytest.raises(CheckpointError, match=f'x.pth lacks {part}, .*--load-from'):
        check_resumable(content, Method(), 9, 'x.pth')


def test_a_plain_segmentor_has_no_training_state(content):
    del content['training_state']
    check_resumable(content, nn.Linear(2, 3), 9, 'x.pth')


@pytest.mark.parametrize('iteration', [None, '5', -1, 5.])
def test_the_iteration_is_a_count(content, iteration):
    content['meta']['iter'] = iteration
    with pytest.raises(CheckpointError, match='does not say at which iteration it is'):
        check_resumable(content, Method(), 9, 'x.pth')


@pytest.mark.parametrize('iteration', [4, 6])
def test_both_iterations_agree(content, iteration):
    content['training_state']['iteration'] = iteration
    with pytest.raises(CheckpointError, match=f'of iteration 5, its .* of iteration {iteration}'):
        check_resumable(content, Method(), 9, 'x.pth')


def restored(content):
    """An optimizer that has loaded its state as a resumed training does."""
    optimizer = adam(Method())
    optimizer.load_state_dict(deepcopy(content['optimizer']))
    return optimizer


def test_a_whole_state_passes_and_no_number_is_drawn(content):
    optimizer = restored(content)
    random.random()  # so that the state is another than the checkpoint's
    before = random.getstate(), torch.get_rng_state()
    check_restored(content, optimizer)
    assert random.getstate() == before[0] and torch.equal(torch.get_rng_state(), before[1])


def test_a_faulty_random_state_leaves_the_generators_alone(content):
    before = random.getstate()
    content['random_state'] = dict(content['random_state'], torch=torch.zeros(3))
    random.random()
    now = random.getstate()
    assert now != before
    with pytest.raises((TypeError, RuntimeError)):
        check_restored(content, restored(content))
    assert random.getstate() == now


@pytest.mark.parametrize('parts', [
    ('teachers', 0, 'network'), ('adversary', 'network'), ('regularizer', ),
    ('feature_distance', ), ('loss_terms', )])
@pytest.mark.parametrize('number', ['nan', 'inf'])
def test_networks_are_finite(content, parts, number):
    network = content['training_state']
    for part in parts:
        network = network[part]
    network['weight'] = torch.tensor([1., float(number)])
    with pytest.raises(ValueError, match='weight holds numbers that are not finite'):
        check_restored(content, restored(content))


@pytest.mark.parametrize('change, message', [
    (lambda state: state.update(exp_avg=torch.tensor([[1., 2.], [3., float('nan')], [0., 1.]])),
     'exp_avg of the optimizer holds numbers that are not finite'),
    (lambda state: state.update(exp_avg=torch.zeros(2, 3)), r'exp_avg .* shape \(2, 3\) for a '),
    (lambda state: state.pop('exp_avg'), 'states of several kinds'),
    (lambda state: state.update(exp_avg=3), 'states of several kinds')])
def test_the_optimizers_state_is_that_of_its_parameters(content, change, message):
    change(content['optimizer']['state'][0])
    optimizer = adam(Method())
    optimizer.load_state_dict(content['optimizer'])
    with pytest.raises(ValueError, match=message):
        check_restored(content, optimizer)


def test_the_optimizer_has_the_same_parameters_in_their_order(content):
    content['optimizer']['param_groups'][0]['params'] = [1, 0]
    with pytest.raises(ValueError, match='the optimizer has other parameters'):
        check_restored(content, restored(content))


@pytest.mark.parametrize('buffer, message', [
    (dict(values=dict(loss=[1., 2.]), counts=dict(loss=[1])), 'not one count for each value'),
    (dict(values=dict(loss=[1.]), counts=dict(acc=[1])), 'not one count for each value'),
    (dict(values=dict(loss=['1']), counts=dict(loss=[1])), 'something else than numbers'),
    (dict(values=dict(loss=[1.]), counts=dict(loss=[None])), 'something else than numbers')])
def test_the_log_buffer_holds_numbers_and_their_counts(content, buffer, message):
    content['log_buffer'] = buffer
    with pytest.raises(ValueError, match=message):
        check_restored(content, restored(content))


def test_variances_are_not_below_0(content):
    network = content['training_state']['teachers'][0]['network']
    network['norm.running_var'] = torch.tensor([1., 0.])
    check_restored(content, restored(content))
    network['norm.running_var'] = torch.tensor([1., -0.1])
    with pytest.raises(ValueError, match='norm.running_var is a variance and holds numbers below'):
        check_restored(content, restored(content))
