"""The frozen encoder's maps: one of each image, or composed as the mixed image is."""
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.uda.encoder_maps import EncoderMaps
from mmseg_ssr.uda.views.view import Batch, Mixture, View

NO_MAPS = Batch(*[None] * 4)


class Regularizer(nn.Module):
    """Encodes an image as the mean of each 4 x 4 cell, and counts the images."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def encode(self, img):
        self.seen.append(img)
        return F.avg_pool2d(img, 4)


@pytest.fixture
def regularizer():
    return Regularizer()


@pytest.fixture
def views():
    """The source view, and a mixed view whose left 10 of 16 columns are the source's."""
    draws = torch.Generator().manual_seed(0)
    source, target, jitter = torch.randn(3, 2, 3, 8, 16, generator=draws)
    mask = (torch.arange(16) < 10).expand(2, 1, 8, 16)
    return (View('source', source, regularized=True),
            View('mix', torch.where(mask, source, target) + jitter, regularized=True,
                 mixture=Mixture(mask, source, target)))


def test_each_view_has_the_map_of_its_own_image(regularizer, views):
    maps = EncoderMaps(regularizer)
    maps.start_iteration(NO_MAPS)
    for view in views:
        assert torch.equal(maps.of_view(view), F.avg_pool2d(view.img, 4))
    assert [len(regularizer.seen), maps.of_view(views[0]._replace(regularized=False))] == [2, None]
    assert EncoderMaps().of_view(views[0]) is None


def test_a_composed_map_has_the_cells_of_both_images(regularizer, views):
    maps = EncoderMaps(regularizer, composed=True)
    maps.start_iteration(NO_MAPS)
    source, target = (F.avg_pool2d(img, 4) for img in views[1].mixture[1:])
    composed = maps.of_view(views[1])
    assert torch.equal(composed[..., :2], source[..., :2])
    torch.testing.assert_close(composed[..., 2], (source[..., 2] + target[..., 2]) / 2)
    assert torch.equal(composed[..., 3], target[..., 3])


def test_composed_maps_encode_each_image_of_an_iteration_once(regularizer, views):
    maps = EncoderMaps(regularizer, composed=True)
    source, target = views[1].mixture[1:]
    for _ in range(2):
        maps.start_iteration(NO_MAPS)
        for view in views:
            maps.of_view(view)
        maps.of_image(target)
    assert [any(img is one for one in (source, target)) for img in regularizer.seen] == [True] * 4
    assert len(regularizer.seen) == 4


@pytest.mark.parametrize('composed', [True, False])
def test_the_maps_of_a_batch_are_taken_for_its_images(regularizer, views, composed):
    source, target = views[1].mixture[1:]
    given = torch.ones(2, 3, 2, 4), torch.zeros(2, 3, 2, 4)
    maps = EncoderMaps(regularizer, composed)
    maps.start_iteration(Batch(source, None, None, None, target, None, *given))
    assert maps.of_view(views[0]) is given[0] and maps.of_image(target) is given[1]
    mixed = maps.of_view(views[1])
    if composed:
        assert torch.equal(mixed[0, 0, 0], torch.tensor([1, 1, .5, 0])) and not regularizer.seen
    else:
        assert torch.equal(mixed, F.avg_pool2d(views[1].img, 4))
    maps.start_iteration(NO_MAPS)
    assert torch.equal(maps.of_image(target), F.avg_pool2d(target, 4))
