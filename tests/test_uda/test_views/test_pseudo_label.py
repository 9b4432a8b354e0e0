import torch

from mmseg_ssr.uda import pseudo_label


def logits():
    """Two 2 x 2 images of 2 classes; 3 of the 8 pixels are confident."""
    odds = torch.tensor([[[4., 0.], [0., -4.]], [[0., 0.], [4., 0.]]])
    return torch.stack([odds, torch.zeros_like(odds)], dim=1)


def test_weight_is_the_confident_share_of_the_whole_batch():
    label, weight = pseudo_label(logits(), threshold=0.9)
    assert weight.shape == (2, 2, 2) and torch.equal(weight, torch.full((2, 2, 2), 3 / 8))
    assert label[0, 0].tolist() == [[0, 0], [0, 1]]


def test_ignored_rows_get_no_weight_but_count_in_the_share():
    _, weight = pseudo_label(logits(), threshold=0.9, ignore_top=1)
    assert not weight[:, 0].any() and torch.equal(weight[:, 1], torch.full((2, 2), 3 / 8))
    _, weight = pseudo_label(logits(), threshold=0.9, ignore_bottom=1)
    assert not weight[:, 1].any() and weight[:, 0].all()


def test_the_valid_mask_multiplies():
    mask = torch.tensor([[[[1, 0], [1, 1]]], [[[0, 0], [0, 1]]]])
    _, weight = pseudo_label(logits(), threshold=0.9, valid_mask=mask)
    assert torch.equal(weight > 0, mask.squeeze(1).bool())
