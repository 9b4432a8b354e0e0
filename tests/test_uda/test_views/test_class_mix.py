import pytest
import torch

from mmseg_ssr.uda import ClassMix, Draws, SourceView, TargetView, class_mix_masks, mix

from .. import toy_student
from ..toy_student import Changed


class Chosen(Draws):
    """Draws the classes it is given, first image first."""

    def __init__(self, *classes):
        super().__init__()
        self.classes = list(classes)

    def class_keys(self, image, device):
        keys = torch.ones(256)
        keys[self.classes.pop(0)] = 0
        return keys


LABEL = torch.tensor([[[[0, 0, 1, 2]]], [[[2, 7, 255, 255]]]])  # five values in the batch


def test_pastes_half_of_the_classes_of_the_batch_rounded_up():
    masks = class_mix_masks(LABEL, Chosen([0, 2, 255], [1, 7, 255]))
    assert masks[0, 0, 0].tolist() == [True, True, False, True]
    assert masks[1, 0, 0].tolist() == [False, True, True, True]


def test_classes_that_the_batch_lacks_are_not_drawn():
    """Else half of the classes of the batch would be fewer."""
    for seed in range(20):
        masks = class_mix_masks(LABEL.flatten().expand(2, 1, 1, 8), Draws(seed))
        pasted = [set(LABEL.flatten()[mask.flatten()].tolist()) for mask in masks]
        assert [len(classes) for classes in pasted] == [3, 3]  # of five


def test_a_class_is_pasted_whole_or_not_at_all():
    for seed in range(20):
        masks = class_mix_masks(LABEL, Draws(seed))
        pasted = [set(image[mask].tolist()) for image, mask in zip(LABEL, masks)]
        kept = [set(image[~mask].tolist()) for image, mask in zip(LABEL, masks)]
        assert all(not p & k for p, k in zip(pasted, kept)) and any(pasted)


def test_every_class_is_drawn_about_equally_often():
    one_class_images = torch.arange(4).view(4, 1, 1, 1)
    draws, count = Draws(0), torch.zeros(4)
    for _ in range(500):
        count += class_mix_masks(one_class_images, draws).view(4)
    assert (count / 500 - 0.5).abs().max() < 0.1


def test_mix_takes_source_where_the_mask_is_set():
    mask = torch.tensor([[[[True, False]]]])
    source, target = torch.ones(1, 3, 1, 2), torch.zeros(1, 3, 1, 2)
    assert mix(mask, source, target).tolist() == [[[[1., 0.]]] * 3]


@pytest.fixture
def mixed():
    """The batch, the pseudo-labels, what is pasted, the view, and the augmentation it used."""
    batch, pseudo, augment = toy_student.batch(), toy_student.pseudo(), Changed()
    pseudo = pseudo._replace(trusted=torch.rand(2, 16, 16) < 0.5)
    view = ClassMix(augment)(batch, pseudo, Draws(1))
    masks = class_mix_masks(batch.label, Draws(1))
    assert 0 < masks.sum() < masks.numel()
    return batch, pseudo, masks.squeeze(1), view, augment


def test_source_pixels_have_weight_1_and_target_pixels_that_of_their_pseudo_label(mixed):
    _, pseudo, pasted, view, _ = mixed
    assert (view.weight[pasted] == 1).all()
    assert torch.equal(view.weight[~pasted], pseudo.weight[~pasted])


def test_source_pixels_are_trusted_and_target_pixels_as_their_pseudo_label_is(mixed):
    _, pseudo, pasted, view, _ = mixed
    assert view.trusted[pasted].all()
    assert torch.equal(view.trusted[~pasted], pseudo.trusted[~pasted])


def test_pasted_pixels_keep_their_label_and_the_others_have_the_pseudo_label(mixed):
    batch, pseudo, pasted, view, _ = mixed
    assert view.label.dtype == torch.int64
    assert torch.equal(view.label.squeeze(1)[pasted], batch.label.squeeze(1)[pasted])
    assert torch.equal(view.label.squeeze(1)[~pasted], pseudo.label.squeeze(1)[~pasted])


def test_images_are_mixed_and_then_augmented_as_one(mixed):
    batch, _, pasted, view, augment = mixed
    (img, mean, std, _), = augment.given
    where = pasted.unsqueeze(1)
    assert torch.equal(img, torch.where(where, batch.img, batch.target_img))
    assert torch.equal(mean, batch.mean) and torch.equal(std, batch.std)
    assert torch.equal(view.img, img + 5)


def test_the_mixed_view_is_regularized_and_in_full(mixed):
    view = mixed[3]
    assert (view.name, view.regularized, view.scale) == ('mix', True, 1)


def test_classes_are_drawn_for_each_image_before_jitter_and_blur():
    """The order of an image's draws, which recorded ones rely on."""
    order = []

    class Noting(Draws):
        def class_keys(self, image, device):
            order.append(f'classes of image {image}')
            return super().class_keys(image, device)

        def uniform(self):
            order.append('augmented?')
            return super().uniform()

    ClassMix()(toy_student.batch(), toy_student.pseudo(), Noting())
    assert order == ['classes of image 0', 'classes of image 1', 'augmented?', 'augmented?']


def test_source_and_target_views_are_the_images_as_they_are():
    batch = toy_student.batch()
    source, target = (maker()(batch, None, Draws()) for maker in (SourceView, TargetView))
    assert source.img is batch.img and torch.equal(source.label, batch.label)
    assert (source.name, source.weight, source.regularized, source.scale) == (
        'source', None, True, 1)
    assert target.img is batch.target_img and target.label is None and not target.regularized
    assert [view.prefix for view in (source, target)] == ['', 'target']
    assert [view.regularized_prefix for view in (source, target)] == ['enhanced', 'enhanced_target']
    assert TargetView.needs_target and not SourceView.needs_target


def test_target_images_are_augmented_before_they_are_mixed():
    batch, before, after = toy_student.batch(), Changed(), Changed()
    view = ClassMix(after, before)(batch, toy_student.pseudo(), Draws(0))
    assert torch.equal(before.given[0][0], batch.target_img)
    mixed = mix(view.mixture.mask, batch.img, batch.target_img + 5)
    torch.testing.assert_close(view.img, mixed + 5)
