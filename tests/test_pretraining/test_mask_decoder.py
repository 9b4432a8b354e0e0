import torch

from mmseg_ssr.pretraining.mask_decoder import (
    MaskDecoder,
    choose_points,
    mask_iou,
    mask_loss,
    masks_of,
)


def halves():
    """Two objects, left (3) and right (7), 8 x 8."""
    objects = torch.full((1, 8, 8), 3)
    objects[..., 4:] = 7
    return objects


def test_a_point_gets_the_mask_of_the_other_map():
    torch.manual_seed(0)
    decoder = MaskDecoder(8, width=4)
    assert decoder.enlarge(torch.randn(1, 8, 2, 3)).shape == (1, 4, 8, 12)
    asked, answered = torch.randn(2, 1, 4, 8, 12)
    logits = decoder(asked, answered, torch.tensor([[0, 50]]))
    assert logits.shape == (1, 2, 8, 12)
    query = decoder.query(asked.flatten(2)[0, :, 50]) / 4 ** 0.5
    expected = torch.einsum('c,chw->hw', query, answered[0])
    torch.testing.assert_close(logits[0, 1], expected + decoder.bias)


def test_small_objects_are_chosen_more_often_than_their_area():
    objects = torch.zeros(1, 10, 10, dtype=torch.long)
    objects[0, 0, 0] = 5
    points = choose_points(objects, objects, 4000, torch.Generator().manual_seed(0))
    share = (points == 0).float().mean().item()
    assert abs(share - 1 / (1 + 99 ** 0.5)) < 0.02  # root of 1 against root of 99


def test_points_are_of_objects_that_the_other_crop_shows():
    asked, generator = halves(), torch.Generator().manual_seed(0)
    other, strange = torch.full_like(asked, 7), torch.full_like(asked, 9)
    points = choose_points(asked, other, 50, generator)
    assert (asked.flatten(1).gather(1, points) == 7).all()
    assert choose_points(asked, strange, 50, generator).shape == (1, 50)  # they share none


def test_masks_are_those_of_the_object_below_the_point_where_it_is_in_the_other_crop():
    masks = masks_of(halves(), halves().flip(-1), torch.tensor([[0, 7]]))
    assert masks.shape == (1, 2, 8, 8)
    assert masks[0, 0, :, 4:].all() and not masks[0, 0, :, :4].any()
    assert torch.equal(masks[0, 1], ~masks[0, 0])


def test_the_right_mask_has_the_least_loss():
    masks = masks_of(halves(), halves(), torch.tensor([[0, 7]]))
    right = masks.float() * 20 - 10
    wrong, unsure = -right, torch.zeros_like(right)
    loss = [mask_loss(logits, masks).item() for logits in (right, unsure, wrong)]
    assert loss[0] < 0.01 < loss[1] < loss[2]
    assert mask_iou(right, masks) == 1 and mask_iou(wrong, masks) == 0
    empty = torch.cat([masks, torch.zeros(1, 1, 8, 8, dtype=torch.bool)], dim=1)
    assert mask_iou(torch.cat([right, right[:, :1]], dim=1), empty) == 1


def test_a_missed_small_object_costs_as_much_as_a_missed_large_one():
    objects = torch.zeros(1, 8, 8, dtype=torch.long)
    objects[0, :2, :2] = 1
    nothing = torch.full((1, 1, 8, 8), -10.0)
    small, large = (mask_loss(nothing, masks_of(objects, objects, torch.tensor([[point]])))
                    for point in (0, 63))
    torch.testing.assert_close(small, large, rtol=0.2, atol=0)
