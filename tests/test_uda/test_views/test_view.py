"""The source view: its augmentation, and the pixels over which its losses are means."""
import pytest
import torch
from torch.nn import functional as F

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import Draws, SourceView, build_self_training
from mmseg_ssr.uda.views.view import valid_weight

from .. import toy_student
from ..toy_student import Changed, Student


def test_the_source_view_is_augmented():
    batch = toy_student.batch()
    view = SourceView(Changed())(batch, None, Draws())
    torch.testing.assert_close(view.img, batch.img + 5)
    plain = SourceView()(batch, None, Draws())
    assert plain.img is batch.img and plain.weight is None


def test_weights_turn_the_mean_over_all_pixels_into_one_over_the_valid():
    label = torch.tensor([[[[0, 255], [1, 255]]], [[[2, 0], [0, 255]]]])
    logits = torch.randn(2, 3, 2, 2)
    losses = F.cross_entropy(logits, label.squeeze(1), ignore_index=255, reduction='none')
    expected = F.cross_entropy(logits, label.squeeze(1), ignore_index=255)
    torch.testing.assert_close((losses * valid_weight(label)).mean(), expected)


def test_a_batch_without_labels_teaches_nothing():
    assert not valid_weight(torch.full((2, 1, 4, 4), 255)).any()


def test_the_source_loss_is_a_mean_over_valid_pixels():
    batch = toy_student.batch()  # an eighth of the pixels is ignored
    logs = []
    for mean in ('all', 'valid'):
        torch.manual_seed(0)
        method = build_self_training(Student(), source_only=True, source_loss_mean=mean).train()
        logs.append(method.step(batch, torch.optim.SGD(method.parameters(), lr=0.1)))
    assert logs[1]['decode.loss_seg'] == pytest.approx(logs[0]['decode.loss_seg'] * 8 / 7)


class Constant(Student):
    """Its head has a loss that pixels do not change."""

    def __init__(self, loss):
        super().__init__()
        self.decode_head.loss_decode = loss


def test_heads_without_such_a_loss_are_refused():
    def loss(logits, label, weight=None, ignore_index=255):
        return logits.sum() * 0 + 1 + (0 if weight is None else weight.mean())

    with pytest.raises(ConfigError, match="source_loss_mean='valid': loss_seg of the decode head"):
        build_self_training(Constant(loss), source_only=True, source_loss_mean='valid')


def test_losses_that_are_such_a_mean_already_are_refused():
    class Loss:
        avg_non_ignore = True

        def __call__(self, logits, label, weight=None, ignore_index=255):
            return logits.sum() * 0 + (1. if weight is None else weight.mean())

    with pytest.raises(ConfigError, match='set its avg_non_ignore to False'):
        build_self_training(Constant(Loss()), source_only=True, source_loss_mean='valid')
