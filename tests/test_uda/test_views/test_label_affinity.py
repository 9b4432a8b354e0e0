"""Pseudo-labels that agree with what a frozen encoder finds alike."""
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda.encoder_maps import EncoderMaps
from mmseg_ssr.uda.update.teacher import EMATeacher
from mmseg_ssr.uda.views.label_affinity import LabelAffinity, alike_means
from mmseg_ssr.uda.views.pseudo_label import PseudoLabeler, PseudoLabelKeys
from mmseg_ssr.uda.views.view import Batch

TINY_SAM = dict(checkpoint=None, input_size=32, encoder_args=dict(
    embed_dim=12, depth=1, num_heads=2, window_size=2, global_attn_indexes=[0]))


class Halves(nn.Module):
    """An encoder whose map has one vector in each half of the image."""

    def __init__(self):
        super().__init__()
        self.seen = 0

    def forward(self, img):
        self.seen += 1
        side = torch.tensor([1., 1, -1, -1]).expand(len(img), 1, 4, 4)
        return torch.cat([side, -side, torch.ones_like(side)], 1)


@pytest.fixture
def logits():
    """Class 0 left and class 1 right, but for one less confident cell of 2 x 2 pixels in each."""
    label = torch.zeros(1, 8, 8, dtype=torch.long)
    label[..., 4:] = 1
    label[:, :2, :2], label[:, 6:, 6:] = 1, 0
    found = 2. * F.one_hot(label, 3).permute(0, 3, 1, 2)
    found[..., :2, :2], found[..., 6:, 6:] = found[..., :2, :2] / 4, found[..., 6:, 6:] / 4
    return found


def test_alike_places_agree_on_a_label(logits):
    encoder = Halves()
    found = LabelAffinity(0.1, EncoderMaps(encoder=encoder))(logits, torch.zeros(1, 3, 8, 8))
    assert torch.equal(found, (torch.arange(8) >= 4).long().expand(1, 1, 8, 8))
    assert encoder.seen == 1


def test_means_are_weighted_by_a_softmax_over_cosines():
    draws = torch.Generator().manual_seed(0)
    found = torch.randn(2, 5, 2, 3, generator=draws)
    values = torch.rand(2, 4, 2, 3, generator=draws)
    means = alike_means(values, found, temperature=0.5)
    for image in range(2):
        cells = found[image].flatten(1).T
        cells = cells - cells.mean(0)
        weights = torch.stack([torch.stack([torch.cosine_similarity(one, other, dim=0)
                                            for other in cells]) for one in cells])
        expected = torch.softmax(weights / 0.5, 1) @ values[image].flatten(1).T
        torch.testing.assert_close(means[image].flatten(1).T, expected)


@pytest.mark.parametrize('temperature, share', [(0.01, 1), (1e6, 0.5)])
def test_the_temperature_says_how_many_cells_count(temperature, share):
    values = (torch.arange(4) < 2).float().expand(1, 1, 4, 4)
    means = alike_means(values, Halves()(torch.zeros(1, 3, 8, 8)), temperature)
    torch.testing.assert_close(means[0, 0, 0, 0], torch.tensor(float(share)))


def test_the_product_of_the_probabilities_decides():
    draws = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 3, 8, 8, generator=draws)
    found = LabelAffinity(0.3, EncoderMaps(encoder=Halves()))(logits, torch.zeros(1, 3, 8, 8))
    own = logits.softmax(1)
    means = alike_means(own, Halves()(logits), 0.3)
    assert torch.equal(found[:, 0], (own * means).argmax(1))
    assert not torch.equal(found[:, 0], own.argmax(1))
    assert not torch.equal(found[:, 0], means.argmax(1))


class Constant(nn.Module):
    """A student that gives logits of its own, whatever the image."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits)

    def whole_inference(self, *args):
        return self.logits


def test_a_labeler_labels_what_the_affinity_returns(monkeypatch, logits):
    monkeypatch.setattr('mmseg_ssr.uda.student.segmentation_logits', lambda *args: logits)
    teacher = EMATeacher(Constant(logits), alpha=0.9)
    batch = Batch(*[None] * 4, target_img=torch.zeros(1, 3, 8, 8))
    plain = PseudoLabeler(threshold=0.5)(teacher, batch)
    agreed = PseudoLabeler(threshold=0.5, affinity=LabelAffinity(
        0.1, EncoderMaps(encoder=Halves())))(teacher, batch)
    assert plain.label[0, 0, 0, 0] == 1 and agreed.label[0, 0, 0, 0] == 0
    # weights are the share of pixels of which the teacher itself is confident
    assert torch.equal(plain.weight, agreed.weight) and plain.weight[0, 0, 0] == 56 / 64


def test_keys():
    keys = PseudoLabelKeys(pseudo_label_affinity=0.2, pseudo_label_encoder=TINY_SAM)
    maps = EncoderMaps(encoder=keys.encoder())
    affinity = keys.build(None, maps).affinity
    assert affinity.temperature == 0.2 and affinity.maps is maps
    assert PseudoLabelKeys().build(None, maps).affinity is None


@pytest.mark.parametrize('keys, maps, message', [
    (dict(pseudo_label_encoder=TINY_SAM), {}, 'pseudo_label_encoder is for pseudo_label_affinity'),
    (dict(pseudo_label_affinity=0.), {}, 'must be above 0'),
    (dict(pseudo_label_affinity=0.1), {}, 'needs a frozen encoder: give pseudo_label_encoder'),
    (dict(pseudo_label_affinity=0.1), dict(regularizer=Halves(), encoder=Halves()),
     'whose encoder serves both: remove it')])
def test_keys_that_do_not_fit(keys, maps, message):
    with pytest.raises(ConfigError, match=message):
        PseudoLabelKeys(**keys).build(None, EncoderMaps(**maps))
