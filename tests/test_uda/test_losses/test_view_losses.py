"""Which losses a view has, with which weights, and where their gradients go."""
import pytest
import torch

from mmseg_ssr.uda import FeatureDistance, Learned, LossTerm, View, ViewLosses
from mmseg_ssr.uda.losses.running_statistics import untracked_statistics
from mmseg_ssr.uda.student import weighted_losses

from .. import toy_student
from ..toy_student import Student


def view(name='mix', **changes):
    """A regularized view with a weight of its own for each pixel."""
    label, weight, _ = toy_student.pseudo()
    return View(name, torch.randn(2, 3, 16, 16), label, weight, True)._replace(**changes)


@pytest.fixture
def losses():
    return ViewLosses(Student(), regularizer=toy_student.regularizer(), regularizer_weight=0.7)


def run(losses, view):
    """Features, and the losses of each branch."""
    features = losses.student.extract_feat(view.img)
    context = losses.regularizer.encode(view.img)
    return features, *(part(view, features, context).losses
                       for part in (losses.shadow, losses.regularized))


@pytest.mark.parametrize('name, prefixes', [
    ('mix', ('mix.decode', 'enhanced_mix')), ('source', ('decode', 'enhanced')),
    ('masked', ('masked.decode', 'enhanced_masked'))])
def test_both_branches_weigh_the_pixels_of_a_view(losses, name, prefixes):
    given = view(name)
    features, shadow, enhanced = run(losses, given)
    head = losses.student.decode_head
    maps = losses.regularizer(features, losses.regularizer.encode(given.img))
    for prefix, found, logits, factor in zip(
            prefixes, (shadow, enhanced), (head(features), head(maps)), (1, 0.7)):
        expected = weighted_losses(head, logits, given.label, given.weight)
        assert set(found) == {f'{prefix}.loss_seg', f'{prefix}.acc_seg'}
        torch.testing.assert_close(found[f'{prefix}.loss_seg'], factor * expected['loss_seg'])
        assert found[f'{prefix}.acc_seg'] == expected['acc_seg'] > 0
        plain = weighted_losses(head, logits, given.label)['loss_seg']
        assert (factor * plain - found[f'{prefix}.loss_seg']).abs() > 0.1


def test_the_scale_of_a_view_is_that_of_its_shadow_branch(losses):
    (_, shadow, enhanced), (_, half, same) = (
        run(losses, view(scale=scale, img=torch.ones(2, 3, 16, 16), weight=None,
                         label=torch.ones(2, 1, 16, 16).long())) for scale in (1., 0.5))
    torch.testing.assert_close(half['mix.decode.loss_seg'], 0.5 * shadow['mix.decode.loss_seg'])
    assert half['mix.decode.acc_seg'] == shadow['mix.decode.acc_seg']
    assert same == enhanced


def test_the_terms_of_a_view(losses):
    losses.feature_distance = FeatureDistance(losses.student.backbone, 1., 3)
    shadow, enhanced, distance = losses.shadow, losses.regularized, losses.distance
    assert losses.terms(view('source')) == [shadow, enhanced, distance]
    assert losses.terms(view('mix')) == [shadow, enhanced]
    assert losses.terms(view('mix', regularized=False)) == [shadow]
    assert losses.terms(view('target', label=None)) == [losses.unlabeled]
    losses.regularizer = None
    assert losses.terms(view('source')) == [shadow, distance]


def test_distillation_joins_the_branches_of_views_with_pseudo_labels(losses):
    losses.distillation_weight = 0.3
    assert losses.terms(view('mix')) == [losses.distilled]
    assert losses.terms(view('source')) == [losses.shadow, losses.regularized]
    assert losses.terms(view('mix', regularized=False)) == [losses.shadow]


def test_the_shadow_branch_learns_the_probabilities_of_the_other(losses):
    losses.distillation_weight, given = 0.3, view(scale=0.5)
    features, shadow, enhanced = run(losses, given)
    context = losses.regularizer.encode(given.img)
    found = losses.distilled(given, features, context).losses
    distillation = found.pop('mix.decode.loss_distillation')
    assert found == {**shadow, **enhanced}
    head = losses.student.decode_head
    taught = head(losses.regularizer(features, context)).softmax(1)
    learned = head(features).log_softmax(1)
    torch.testing.assert_close(
        distillation, -0.5 * 0.3 * (taught * learned).sum(1).mean())


def test_pixels_that_are_not_trusted_are_not_distilled(losses):
    losses.distillation_weight, given = 1., view()
    features = losses.student.extract_feat(given.img)
    context = losses.regularizer.encode(given.img)

    def distillation(trusted):
        found = losses.distilled(given._replace(trusted=trusted), features, context)
        return found.losses['mix.decode.loss_distillation']
    upper = torch.arange(16)[:, None].expand(2, 16, 16) < 8
    assert distillation(upper) > 0 and distillation(~upper) > 0
    torch.testing.assert_close(distillation(upper) + distillation(~upper), distillation(None))


def test_a_view_that_distills_teaches_without_labels_too(losses):
    losses.distillation_weight, given = 1., view(label=torch.full((2, 1, 16, 16), 255))
    features = losses.student.extract_feat(given.img)
    context = losses.regularizer.encode(given.img)
    assert losses.shadow(given, features, context).notes
    found = losses.distilled(given, features, context)
    assert found.losses['mix.decode.loss_distillation'] > 0 and not found.notes


def test_distillation_teaches_the_shadow_branch_alone(losses):
    losses.distillation_weight, given = 0.3, view()
    features = losses.student.extract_feat(given.img)
    loss = losses.distilled(given, features, losses.regularizer.encode(given.img)).losses[
        'mix.decode.loss_distillation']
    to_head, *to_regularizer = torch.autograd.grad(
        loss, [losses.student.decode_head.conv_seg.weight, *losses.regularizer.parameters()],
        allow_unused=True)
    assert to_head.any() and to_regularizer == [None] * len(to_regularizer)


def test_both_branches_teach_the_features_and_one_the_regularizer(losses):
    for branch, teaches in ((losses.shadow, False), (losses.regularized, True)):
        given, parameters = view(), list(losses.regularizer.parameters())
        features = [maps.detach().requires_grad_()
                    for maps in losses.student.extract_feat(given.img)]
        loss = branch(given, features, losses.regularizer.encode(given.img)).loss
        found = torch.autograd.grad(loss, [features[1], *parameters], allow_unused=True)
        assert found[0].any()
        assert all((gradient is not None and gradient.any()) == teaches for gradient in found[1:])


@pytest.mark.parametrize('shadow_statistics', [False, True])
def test_the_enhanced_pass_tracks_statistics_if_it_is_to(losses, shadow_statistics):
    losses.shadow_statistics = shadow_statistics
    run(losses, view())
    assert losses.student.decode_head.norm.num_batches_tracked == 2 - shadow_statistics


def test_untracked_norms_use_the_batch():
    norm, maps = torch.nn.BatchNorm2d(4), torch.randn(2, 4, 3, 3) + 5
    with untracked_statistics(norm):
        torch.testing.assert_close(norm(maps).mean((0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    assert norm.training and not norm.running_mean.any()


def test_untracked_statistics_are_tracked_again_after_an_error():
    norm = torch.nn.BatchNorm2d(4)
    with pytest.raises(KeyError), untracked_statistics(torch.nn.Sequential(norm)):
        norm(torch.randn(2, 4, 3, 3))
        raise KeyError
    assert norm.track_running_stats and norm.num_batches_tracked == 0


def test_a_note_says_that_every_label_is_ignore(losses):
    given = view()
    for ignored in (0, 1):
        given.label[:ignored * 2] = 255
        note, = losses.shadow(given, losses.student.extract_feat(given.img), None).notes.items()
        assert note == ('mix view: every label is ignore, it teaches nothing', bool(ignored))
    given.label[0, 0, 3, 3] = 1
    notes = losses.shadow(given, losses.student.extract_feat(given.img), None).notes
    assert not any(notes.values())


def test_the_distance_is_of_the_source_image_and_label():
    losses, seen = ViewLosses(Student()), []

    def distance(*args):
        seen.append(args)
        return torch.ones(()), torch.tensor(False)

    losses.feature_distance, given = distance, view('source')
    features, context = losses.student.extract_feat(given.img), torch.ones(1)
    found = losses.distance(given, features, context)
    assert seen == [(features[-1], given.img, given.label, context)]
    assert found.losses == {'src.loss_imnet_feat_dist': 1} and all(found.notes.values())


class Mean(LossTerm):
    views = ('mix', 'target')

    def forward(self, view, feature, logits):
        assert feature.shape == (2, 4, 2, 2) and logits['main'].shape == (2, 3, 16, 16)
        return {'loss_mean': logits['main'].mean(), 'mean': logits['main'].mean()}


def test_terms_of_ones_own_are_scaled_as_their_view_is():
    losses = ViewLosses(Student(), loss_terms=[Mean()])
    for given in (view(scale=0.25), view('target', label=None, scale=0.25)):
        term, = losses.terms(given)
        found = term(given, losses.student.extract_feat(given.img), None).losses
        torch.testing.assert_close(found[f'{given.name}.loss_mean'],
                                   0.25 * found[f'{given.name}.mean'])
    source = view('source')
    found = losses.shadow(source, losses.student.extract_feat(source.img), None).losses
    assert set(found) == {'decode.loss_seg', 'decode.acc_seg'}
    assert losses.learns_from_predictions and not ViewLosses(Student()).learns_from_predictions


def test_what_is_minimized_is_the_sum_of_what_is_called_loss():
    numbers = {'decode.loss_seg': torch.ones((), requires_grad=True), 'acc_seg': torch.tensor(50.),
               'mix.loss_own': torch.tensor(2.)}
    assert Learned(numbers, {}).loss == 3
    assert Learned({'acc_seg': torch.tensor(50.)}, {}).loss is None
    log = Learned({}, {})
    log.add(Learned(numbers, {'note': torch.tensor(True)}))
    assert log.losses == numbers and log.notes == {'note': True}
    assert not log.losses['decode.loss_seg'].requires_grad
