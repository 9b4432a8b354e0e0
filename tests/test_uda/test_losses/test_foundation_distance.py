"""VFM-UDA++'s distance to a foundation model: its numbers, its views, its place in the step."""
import pytest
import torch
from torch.nn import functional as F

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import DistanceView, Draws, FoundationDistance, build_self_training
from mmseg_ssr.uda.losses.foundation_distance import FoundationDistanceKeys, map_distance
from mmseg_ssr.uda.training_state import load_training_state, training_state

from .. import toy_student
from ..toy_student import Changed, Encoder, Student

TIMM = dict(type='timm', model='test_vit', checkpoint=None, input_size=32)
KEYS = dict(foundation_distance_lambda=0.1, foundation_distance_encoder=TIMM)


def test_equal_maps_have_no_distance_and_opposite_ones_the_most():
    one = torch.randn(2, 4, 3, 3)
    assert map_distance(one, one) < 1e-6
    expected = 0.1 * F.smooth_l1_loss(one, -one) + 0.9 * 2
    torch.testing.assert_close(map_distance(one, -one), expected)


def test_every_position_counts_alike():
    one, other = torch.randn(1, 4, 2, 2), torch.randn(1, 4, 2, 2)
    cells = [map_distance(one[..., i:i + 1, j:j + 1], other[..., i:i + 1, j:j + 1])
             for i in range(2) for j in range(2)]
    torch.testing.assert_close(map_distance(one, other), sum(cells) / 4)


def test_the_map_is_projected_and_then_resized():
    distance = FoundationDistance(Encoder(), 4, weight=0.5)
    feature, img = torch.randn(2, 4, 5, 5, requires_grad=True), torch.randn(2, 3, 24, 24)
    loss = distance(feature, img)
    projected = F.interpolate(distance.projection(feature), (3, 3), mode='bilinear')
    torch.testing.assert_close(loss, 0.5 * map_distance(projected, distance.encoder(img)))
    loss.backward()
    assert feature.grad.any() and all(p.grad is not None for p in distance.parameters())
    assert [tuple(p.shape[:2]) for p in distance.parameters() if p.dim() > 1] == [(16, 4), (6, 16)]
    assert len(distance.networks) == 1 and 'encoder' not in str(list(distance.state_dict()))


def test_the_student_sees_the_augmented_image_and_the_model_the_image_itself():
    batch, augmentation, draws = toy_student.batch(), Changed(), Draws()
    for name, img in (('distance_source', batch.img), ('distance_target', batch.target_img)):
        maker = DistanceView(name, augmentation)
        view = maker(batch, None, draws)
        assert view.name == name and view.label is None and view.reference is img
        torch.testing.assert_close(view.img, img + 5)
        assert maker.needs_target == (name == 'distance_target')
        assert DistanceView(name)(batch, None, draws).img is img


def method(**keys):
    return build_self_training(Student(), **{**KEYS, **keys}).train()


@pytest.fixture
def optimizer():
    return lambda method: torch.optim.SGD(method.parameters(), lr=0.1)


def test_both_domains_are_compared_in_a_step(optimizer):
    built = method()
    assert [maker.name for maker in built.view_makers] == [
        'source', 'mix', 'distance_source', 'distance_target']
    before = [p.clone() for p in built.foundation_distance.parameters()]
    log = built.step(toy_student.batch(), optimizer(built))
    losses = {name for name in log if 'foundation' in name}
    assert losses == {'distance_source.loss_foundation', 'distance_target.loss_foundation'}
    assert not any(map(torch.equal, before, built.foundation_distance.parameters()))
    assert not any('foundation' in name for name in built.state_dict())


def test_the_heads_statistics_move_in_every_view_but_their_weights_have_no_gradient():
    built = method(source_only=True)
    norm = built.model.decode_head.norm
    built.step(toy_student.batch(target_img=None), torch.optim.SGD(built.parameters(), lr=0.))
    assert norm.num_batches_tracked == 2  # source and its distance
    view = built.view_makers[1](toy_student.batch(), None, Draws())
    built.zero_grad()
    term, = built.view_losses.terms(view)
    term(view, built.model.extract_feat(view.img), None).loss.backward()
    assert all(p.grad is None for p in built.model.decode_head.parameters())
    assert built.model.backbone[0].weight.grad.any()


def test_a_resumed_method_has_its_projection(optimizer):
    built, other = method(), method(seed=1)
    built.step(toy_student.batch(), optimizer(built))
    load_training_state(other, training_state(built))
    for one, two in zip(built.foundation_distance.parameters(),
                        other.foundation_distance.parameters()):
        assert torch.equal(one, two)


def test_states_of_methods_with_and_without_it_do_not_mix():
    with_it, without = method(), build_self_training(Student())
    with pytest.raises(ValueError, match='has a distance to a foundation model, this method has '
                                         'none: see foundation_distance_lambda'):
        load_training_state(without, training_state(with_it))
    with pytest.raises(ValueError, match='has no distance .* this method has one'):
        load_training_state(with_it, training_state(without))


@pytest.mark.parametrize('keys, message', [
    (dict(foundation_distance_lambda=-1), 'foundation_distance_lambda must be at least 0'),
    (dict(foundation_distance_lambda=0.1), 'needs foundation_distance_encoder'),
    (dict(foundation_distance_encoder='regularizer'), "must be dict.type='timm', .... or another"),
])
def test_wrong_keys(keys, message):
    with pytest.raises(ConfigError, match=message):
        FoundationDistanceKeys(**keys)


def test_it_is_off_by_default():
    assert FoundationDistanceKeys().build(Student()) is None
    assert build_self_training(Student()).foundation_distance is None
