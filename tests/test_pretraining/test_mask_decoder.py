import torch

from mmseg_ssr.pretraining.mask_decoder import MaskDecoder, choose_points, mask_iou, mask_loss


def halves():
    """Two objects, left (3) and right (7), 8 x 8."""
    objects = torch.full((1, 8, 8), 3)
    objects[..., 4:] = 7
    return objects


def test_a_point_gets_the_mask_of_the_other_map():
    torch.manual_seed(0)
    decoder = MaskDecoder(8, width=4)
    asked, answered = torch.randn(2, 1, 8, 2, 3)
    points = torch.tensor([[0, 50]])
    logits = decoder(asked, answered, points)
    assert logits.shape == (1, 2, 8, 12)
    read = decoder.enlarge(asked).flatten(2)[0, :, 50]
    query = decoder.query(read) / 4 ** 0.5
    expected = torch.einsum('c,chw->hw', query, decoder.enlarge(answered)[0])
    torch.testing.assert_close(logits[0, 1], expected + decoder.bias)


def test_small_objects_are_chosen_more_often_than_their_area():
    objects = torch.zeros(1, 10, 10, dtype=torch.long)
    objects[0, 0, 0] = 5
    points = choose_points(objects, 4000, torch.Generator().manual_seed(0))
    share = (points == 0).float().mean().item()
    assert abs(share - 1 / (1 + 99 ** 0.5)) < 0.02  # root of 1 against root of 99


def test_the_right_mask_has_the_least_loss():
    objects, points = halves(), torch.tensor([[0, 7]])
    right = torch.stack([objects[0] == 3, objects[0] == 7])[None].float() * 20 - 10
    wrong, unsure = -right, torch.zeros_like(right)
    loss = [mask_loss(logits, objects, points).item() for logits in (right, unsure, wrong)]
    assert loss[0] < 0.01 < loss[1] < loss[2]
    assert mask_iou(right, objects, points) == 1 and mask_iou(wrong, objects, points) == 0


def test_a_missed_small_object_costs_as_much_as_a_missed_large_one():
    objects = torch.zeros(1, 8, 8, dtype=torch.long)
    objects[0, :2, :2] = 1
    nothing = torch.full((1, 1, 8, 8), -10.0)
    small, large = (mask_loss(nothing, objects, torch.tensor([[point]])) for point in (0, 63))
    torch.testing.assert_close(small, large, rtol=0.2, atol=0)
