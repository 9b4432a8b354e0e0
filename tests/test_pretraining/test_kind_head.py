import torch

from mmseg_ssr.pretraining.kind_head import KindHead, kind_loss


def test_a_token_sorts_the_four_places_below_it():
    head = KindHead(2, kinds=3)
    features = torch.randn(1, 2, 2, 2)
    logits = head(features)
    assert logits.shape == (1, 3, 4, 4)
    changed = features.clone()
    changed[..., 0, 1] += 1
    differs = (head(changed) != logits).any(dim=1)[0]
    assert differs[:2, 2:].all() and differs.sum() == 4


def test_loss_and_accuracy_are_over_the_pixels_that_have_a_kind():
    kinds = torch.zeros(1, 8, 8, dtype=torch.long)
    kinds[0, :, 4:] = 2
    kinds[0, :4, :4] = -1
    logits = torch.zeros(1, 3, 2, 2)
    logits[0, 2] = 20  # right on the right half, wrong below on the left
    loss, accuracy = kind_loss(logits, kinds)
    torch.testing.assert_close(loss, torch.tensor(20 / 3), rtol=1e-4, atol=0)
    torch.testing.assert_close(accuracy, torch.tensor(2 / 3))
    logits[0, 1, 0, 0] = 100  # where nothing is sorted
    assert torch.equal(kind_loss(logits, kinds)[0], loss)
