"""The step itself, on a toy: what sees what, in which order, and where gradients go."""
from copy import deepcopy

import pytest
import torch
from torch import nn

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import (
    BlockMask,
    ClassMix,
    EMATeacher,
    FeatureDistance,
    MaskedConsistency,
    PseudoLabeler,
    SelfTraining,
    SourceView,
    TargetView,
    ViewLosses,
)
from mmseg_ssr.uda.encoder_maps import EncoderMaps
from mmseg_ssr.uda.execution import ExecutionKeys

from . import toy_student
from .toy_student import Changed, Student


def method(student=None, mask=True, regularizer=None, weight=1., teacher=None, **options):
    """Source, mixed and masked views, augmented by :class:`Changed`, with the features' distance
    on the classes 0 and 1."""
    student = student or Student()
    augment = options.pop('augment', None) or Changed()
    makers = [SourceView(), ClassMix(augment)]
    if mask:
        makers.append(MaskedConsistency('separatetrg', BlockMask(0.5, 4), augment, 0.5))
    distance = FeatureDistance(Backbone(deepcopy(student)), 0.3, 3, [0, 1], 0.75)
    losses = ViewLosses(student, distance, regularizer, weight)
    options.setdefault('pseudo_labels', PseudoLabeler(threshold=0.4))
    return SelfTraining(student, makers, losses, teacher or EMATeacher(student, 0.9), **options)


class Backbone(nn.Module):
    """The features of a student other than ours."""

    def __init__(self, student):
        super().__init__()
        self.student = student
        nn.init.normal_(student.backbone[1].bias)

    def forward(self, img):
        return self.student.extract_feat(img)


def sgd(parts, rate=0.1):
    return torch.optim.SGD(parts.parameters(), lr=rate)


def noting(module, notes, name=None):
    """Note the first input of each call of a module."""
    module.register_forward_pre_hook(
        lambda module, args: notes.append(args[0] if name is None else name))


@pytest.mark.parametrize('joint', [False, True])
def test_the_frozen_encoder_sees_the_images_that_the_student_sees(joint):
    """The mixed one after its augmentation. The masked view is not regularized."""
    parts, seen = method(regularizer=toy_student.regularizer(), joint_views=joint), []
    data = toy_student.batch()
    noting(parts.model.backbone[0], seen)
    with torch.no_grad():
        views = parts.make_views(data)
    parts.step(data, sgd(parts))
    encoded = parts.regularizer.encoder.seen
    seen = torch.cat(seen).split(len(data.img))  # of one pass or of three
    assert len(seen) == 3 and len(encoded) == 2
    assert torch.equal(encoded[0], data.img) and torch.equal(encoded[1], seen[1])
    mixed = parts.view_makers[1].augmentation.given[-1][0]
    assert torch.equal(views[1].img, mixed + 5) and torch.equal(encoded[1], mixed + 5)


@pytest.mark.parametrize('mode, marks', [('reduce-overhead', 2), ('max-autotune', 2), (True, 0)])
def test_the_outputs_of_cuda_graphs_live_for_an_iteration(monkeypatch, mode, marks):
    """Without a mark, each graph that runs frees what those before it gave out."""
    parts, marked, modes = method(), [], []
    monkeypatch.setattr(nn.Module, 'compile', lambda module, **options: modes.append(options))
    monkeypatch.setattr(torch.compiler, 'cudagraph_mark_step_begin',
                        lambda: marked.append(parts.iteration))
    ExecutionKeys(compile=mode).apply(parts)
    for _ in range(2):
        parts.step(toy_student.batch(), sgd(parts))
    assert marked == list(range(marks)) and modes


def test_composed_maps_are_made_of_the_images_of_this_iteration():
    regularizer, data = toy_student.regularizer(), toy_student.batch()
    parts = method(regularizer=regularizer, maps=EncoderMaps(regularizer, composed=True))
    for _ in range(2):
        parts.step(data, sgd(parts))
        data.img.add_(1)  # loaders may fill the same memory again
    encoded = regularizer.encoder.seen
    assert [img is data.img for img in encoded] == [True, False] * 2
    assert [img is data.target_img for img in encoded] == [False, True] * 2


@pytest.mark.parametrize('joint', [False, True])
def test_images_are_encoded_before_the_student_runs(joint):
    parts, order = method(regularizer=toy_student.regularizer(), joint_views=joint), []
    noting(parts.regularizer.encoder, order, 'encoder')
    noting(parts.model.backbone[0], order, 'student')
    parts.forward_backward(toy_student.batch())
    assert order == (['encoder', 'encoder', 'student'] if joint else
                     ['encoder', 'student', 'encoder', 'student', 'student'])


def test_teachers_follow_before_they_label_and_the_student_learns_last():
    parts, order = method(), []
    optimizer, teacher = sgd(parts), parts.teacher
    follow, step, zero = teacher.update, optimizer.step, optimizer.zero_grad
    teacher.update = lambda student: (order.append('teacher follows'), follow(student))
    optimizer.step = lambda: (order.append('student learns'), step())
    optimizer.zero_grad = lambda: (order.append('zero'), zero())
    noting(teacher.network.backbone[0], order, 'teacher labels')
    noting(parts.model.backbone[0], order, 'view')
    parts.step(toy_student.batch(), optimizer)
    assert order == ['zero', 'teacher follows', 'teacher labels', *['view'] * 3, 'student learns']


def test_the_teacher_labels_the_target_images_as_they_are():
    parts, seen, data = method(), [], toy_student.batch()
    noting(parts.teacher.network.backbone[0], seen)
    parts.step(data, sgd(parts))
    assert len(seen) == 1 and torch.equal(seen[0], data.target_img)


def test_the_teacher_is_in_training_mode_without_dropout():
    """Its batch norms use the batch, and keep their own running statistics."""
    student = Student(dropout=0.9)
    parts, data = method(student), toy_student.batch()
    parts.train()
    outputs, means = [], student.decode_head.norm.running_mean.clone()
    parts.teacher.network.register_forward_hook(lambda *args: outputs.append(args[-1]))
    head = parts.teacher.network.decode_head
    head.dropout.register_forward_hook(lambda module, args, out: outputs.append((args[0], out)))
    head.norm.register_forward_hook(lambda module, args, out: outputs.append(out))
    parts.step(data, sgd(parts))
    normalized, (before, after) = outputs
    assert torch.equal(before, after)
    torch.testing.assert_close(normalized.mean((0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    assert not torch.equal(head.norm.running_mean, means)
    assert head.norm.num_batches_tracked == 1


def test_gradients_are_those_of_the_sum_of_all_losses():
    found = []
    for way in ('step', 'losses'):
        torch.manual_seed(1)
        parts = method(regularizer=toy_student.regularizer(), weight=0.7)
        data = toy_student.batch()
        if way == 'step':
            parts.step(data, sgd(parts, 0.))
        else:
            losses = parts.losses(data)
            sum(value for name, value in losses.items() if 'loss' in name).backward()
        found.append({name: p.grad for name, p in parts.named_parameters()})
    torch.testing.assert_close(*found)
    assert all(gradient.any() for gradient in found[0].values())


def test_nothing_but_student_and_regularizer_gets_a_gradient():
    parts = method(regularizer=toy_student.regularizer())
    frozen = [parts.teacher.network, parts.regularizer.encoder.network,
              parts.feature_distance.imagenet.network]
    before = deepcopy([network.state_dict() for network in frozen[1:]])
    parts.step(toy_student.batch(), sgd(parts))
    assert not any(p.requires_grad or p.grad is not None
                   for network in frozen for p in network.parameters())
    assert all(torch.equal(value, network.state_dict()[name])
               for network, state in zip(frozen[1:], before) for name, value in state.items())


def test_pseudo_labels_carry_no_gradient():
    for view in method().make_views(toy_student.batch()):
        assert not any(value.requires_grad for value in (view.img, view.label, view.weight)
                       if value is not None)


def test_the_regularizer_learns_from_the_views_of_its_branch():
    """Source and mixed view, not the masked one, and not the losses of the shadow branch."""
    data, gradients = toy_student.batch(), {}
    for mask in (False, True):
        torch.manual_seed(1)
        parts = method(mask=mask, regularizer=toy_student.regularizer())
        parts.step(data, sgd(parts, 0.))
        gradients[mask] = [p.grad for p in parts.regularizer.parameters()]
    assert all(map(torch.equal, *gradients.values()))
    parts.view_losses.regularizer_weight = 0.
    parts.step(data, sgd(parts, 0.))
    assert not any(p.grad.any() for p in parts.regularizer.parameters())


def test_every_view_has_the_losses_of_its_branches():
    parts = method(regularizer=toy_student.regularizer())
    log = parts.step(toy_student.batch(), sgd(parts))
    assert {name for name in log if 'loss_' in name} == {
        'decode.loss_seg', 'enhanced.loss_seg', 'src.loss_imnet_feat_dist', 'mix.decode.loss_seg',
        'enhanced_mix.loss_seg', 'masked.decode.loss_seg'}
    assert log['loss'] == pytest.approx(sum(log[name] for name in log if 'loss_' in name))


def test_draws_are_those_of_the_iteration_and_the_process(monkeypatch):
    parts, begun = method(), []
    start = parts.draws.start_iteration
    parts.draws.start_iteration = lambda *args: (begun.append(args), start(*args))
    monkeypatch.setattr('mmseg_ssr.distributed.rank', lambda: 3)
    for _ in range(2):
        parts.step(toy_student.batch(), sgd(parts))
    assert begun == [(0, 6), (1, 6)]  # rank 3, two images a process


def test_a_view_with_a_teacher_of_its_own_has_its_labels_and_threshold():
    parts, data = method(), toy_student.batch()
    parts.view_makers[2].teacher = EMATeacher(Student(), 0.5)
    parts.view_makers[2].threshold = 0.
    network = parts.view_makers[2].teacher.network
    network.decode_head.conv_seg.weight.data.zero_()
    network.decode_head.conv_seg.bias.data = torch.tensor([0., 0., 0.01])  # not sure of anything
    source, mixed, masked = parts.make_views(data)
    assert (masked.label == 2).all() and (masked.weight == 1).all()
    assert mixed.weight.min() < 1 and not (mixed.label == 2).all()
    assert parts.teachers == [parts.teacher, parts.view_makers[2].teacher]
    parts.teachers_follow()
    assert torch.equal(network.decode_head.conv_seg.bias, parts.model.decode_head.conv_seg.bias)


def test_a_round_of_iterations_begins_with_zero_and_the_teachers():
    parts, begun = method(), []
    parts.optimization.cumulative_iters = 2
    optimizer = sgd(parts, 0.)
    zero = optimizer.zero_grad
    optimizer.zero_grad = lambda: (begun.append(parts.iteration), zero())
    for _ in range(4):
        parts.step(toy_student.batch(), optimizer)
    assert begun == [0, 2] and parts.teacher.updates == 2 and parts.iteration == 4
    for parts.iteration, updates in ((1, 2), (2, 3)):  # a trainer that calls backward itself
        parts.losses(toy_student.batch())
        assert parts.teacher.updates == updates


def test_a_name_that_a_view_does_not_have_is_an_error():
    parts = method()
    parts.view_makers[1].name = 'mixed'
    with pytest.raises(ConfigError, match="ClassMix makes the view 'mix', but its name is 'mixed'"):
        parts.make_views(toy_student.batch())


def test_a_restart_copies_the_student_to_teachers_and_distance():
    student = Student()
    parts = SelfTraining(student, teacher=EMATeacher(student), losses=ViewLosses(
        student, FeatureDistance(deepcopy(student.backbone), 1., 3)))
    nn.init.ones_(student.backbone[0].bias)
    parts.copy_student()
    for copy in (parts.teacher.network.backbone, parts.feature_distance.imagenet.network):
        assert (copy[0].bias == 1).all()


def test_targets_are_needed_by_teachers_and_by_views_that_say_so():
    student = Student()
    assert not SelfTraining(student).needs_target
    assert SelfTraining(student, [SourceView(), TargetView()]).needs_target
    assert SelfTraining(student, teacher=EMATeacher(student)).needs_target


def test_buffers_go_back_when_an_update_is_left_out():
    parts = method()
    parts.finite_check.action, parts.finite_check.warn = 'skip', lambda line: None
    networks = parts, parts.teacher.network
    before = deepcopy([dict(network.named_buffers()) for network in networks])
    data = toy_student.batch()
    log = parts.step(data._replace(img=data.img * float('nan')), sgd(parts))
    assert log['skipped_updates'] == 1
    for network, kept in zip(networks, before):
        torch.testing.assert_close(dict(network.named_buffers()), kept)
