"""What a checkpoint has to hold besides the student, and which states are of another method."""
from copy import deepcopy

import pytest
import torch
from torch import nn

from mmseg_ssr.uda import (
    AdversarialAdaptation,
    ClassMix,
    EMATeacher,
    LossTerm,
    Optimization,
    SelfTraining,
    SourceView,
    ViewLosses,
    ViewMaker,
)
from mmseg_ssr.uda.losses.encoder_distance import EncoderDistance
from mmseg_ssr.uda.training_state import load_training_state, training_state

from . import toy_student
from .toy_student import Student


class Term(LossTerm):
    views = ('source', )

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.rand(()))

    def forward(self, view, feature, logits):
        return {'loss_term': self.factor * logits['main'].square().mean()}


class Scaled(ViewMaker):
    """A view with a weight to train and a teacher."""
    name = 'scaled'

    def __init__(self, student):
        super().__init__(EMATeacher(student, 0.5), 0.)
        self.factor = nn.Parameter(torch.rand(()))

    def forward(self, batch, pseudo, draws):
        return SourceView()(batch, pseudo, draws)._replace(
            name='scaled', img=batch.img * self.factor, regularized=False)


def method(seed, rounds=2, **without):
    """Every part that has a state. A part can be left out."""
    torch.manual_seed(seed)
    student, regularizer = Student(), toy_student.regularizer()
    torch.manual_seed(0)
    encoder = toy_student.Encoder()  # frozen: the same in each
    regularizer.encoder = encoder
    losses = ViewLosses(
        student, without.get('distance', EncoderDistance(encoder, 4, False, 0.5, 3)),
        without.get('regularizer', regularizer),
        adversary=without.get('adversary', AdversarialAdaptation(3, dict(main=0.1))),
        loss_terms=without.get('terms', [Term()]))
    views = [SourceView(), ClassMix(), *without.get('views', [Scaled(student)])]
    return SelfTraining(student, views, losses, without.get('teacher', EMATeacher(student, 0.9)),
                        optimization=Optimization(cumulative_iters=rounds))


def sgd(parts):
    return torch.optim.SGD(parts.parameters(), lr=0.1)


def everything(parts):
    """All that a training changes."""
    teachers = [teacher.network.state_dict() for teacher in parts.teachers]
    return [*parts.parameters(), *parts.model.buffers(), *parts.adversary.network.parameters(),
            *(value for state in teachers for value in state.values())]


@pytest.mark.parametrize('stop', [1, 2])
def test_going_on_is_never_having_stopped_even_within_a_round(stop):
    batches = [toy_student.batch(32) for _ in range(4)]
    straight, resumed = method(1), method(2)
    optimizer = sgd(straight)
    for batch in batches[:stop]:
        straight.step(batch, optimizer)
    straight.finite_check.skipped = 7
    saved = deepcopy((straight.state_dict(), training_state(straight)))
    resumed.load_state_dict(saved[0], strict=False)
    load_training_state(resumed, saved[1])
    assert resumed.iteration == stop and resumed.finite_check.skipped == 7
    for parts, steps in ((straight, optimizer), (resumed, sgd(resumed))):
        for batch in batches[stop:]:
            parts.step(batch, steps)
    assert all(map(torch.equal, everything(straight), everything(resumed)))
    assert [teacher.updates for teacher in resumed.teachers] == [2, 2]


def test_gradients_are_part_of_a_state_within_a_round_alone():
    parts = method(1)
    optimizer = sgd(parts)
    parts.step(toy_student.batch(32), optimizer)
    unfinished = training_state(parts)
    assert set(unfinished['gradients']) == {name for name, p in parts.named_parameters()
                                            if p.grad is not None}
    assert unfinished['adversary']['gradients']
    parts.step(toy_student.batch(32), optimizer)
    assert training_state(parts)['gradients'] == training_state(parts)['adversary']['gradients'] \
        == {}


def test_the_student_alone_is_in_the_state_dict():
    parts = method(1)
    names = set(parts.state_dict())
    assert names == set(Student().state_dict())
    before = deepcopy(parts.state_dict())
    other = nn.ModuleDict(dict(method=method(2)))
    outer = {f'method.{name}': value for name, value in before.items()}
    missing, unexpected = other.load_state_dict(outer, strict=False)
    assert not unexpected and all('.model.' not in name for name in missing)
    assert all(torch.equal(value, before[name])
               for name, value in other['method'].model.state_dict().items())
    assert set(other.state_dict()) == set(outer)


def test_weights_of_a_regularizer_that_are_given_land_in_it():
    """As a checkpoint of ``SSREncoderDecoder`` holds them, beside the segmentor's."""
    parts, donor = method(1), toy_student.regularizer()
    state = {f'regularizer.{name}': value for name, value in donor.state_dict().items()}
    parts.load_state_dict({**Student().state_dict(), **state}, strict=False)
    assert all(torch.equal(value, parts.regularizer.state_dict()[name])
               for name, value in donor.state_dict().items())


@pytest.mark.parametrize('without, message', [
    (dict(teacher=None), '2 teachers and a regularizer, this method has 1 and one'),
    (dict(regularizer=None), '2 teachers and a regularizer, this method has 2 and none'),
    (dict(distance=None), 'has a feature distance to a foundation encoder, this method has none'),
    (dict(terms=[]), 'other loss_terms'), (dict(views=[]), 'teachers'),
    (dict(adversary=None), 'has discriminators, this method has none')])
def test_states_of_methods_with_other_parts_are_refused(without, message):
    whole, other = method(1), method(1, **without)
    with pytest.raises(ValueError, match=message):
        load_training_state(other, training_state(whole))
    with pytest.raises(ValueError, match='the training state has'):
        load_training_state(whole, training_state(other))


def test_a_state_with_other_views_is_refused():
    class Plain(Scaled):
        def __init__(self, student):
            super().__init__(student)
            del self.factor

    with pytest.raises(ValueError, match='other views than this method'):
        load_training_state(method(1), training_state(method(1, views=[Plain(Student())])))


def test_states_of_older_versions_lack_parts_that_their_methods_lacked():
    plain = dict(distance=None, terms=[], views=[], adversary=None)
    state = training_state(method(1, **plain))
    for name in ('feature_distance', 'loss_terms', 'views', 'adversary'):
        del state[name]
    load_training_state(method(2, **plain), state)
