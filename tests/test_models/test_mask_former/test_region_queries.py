"""Queries from regions: which regions, in which order, and what is pooled from them."""
import pytest
import torch

from mmseg_ssr.models.mask_former.draws import MaskDraws
from mmseg_ssr.models.mask_former.region_queries import (
    drawn_masks,
    first_blocked,
    largest_masks,
    pooled_queries,
)

SIZE = (8, 12)


def columns(*widths):
    """One region for each width: so many columns."""
    masks = torch.zeros(len(widths), *SIZE, dtype=torch.bool)
    for mask, width in zip(masks, widths):
        mask[:, :width] = True
    return masks


def areas(masks):
    return (masks.sum((1, 2)) / SIZE[0]).tolist()


def test_few_regions_are_all_there_beside_random_ones():
    torch.manual_seed(0)
    masks = drawn_masks(columns(3, 7), 5, MaskDraws())
    assert masks.shape == (5, *SIZE) and {3., 7.} <= set(areas(masks))
    shares = masks.mean((1, 2))
    assert sum(0.3 < float(share) < 0.7 for share in shares) >= 3


def test_many_regions_are_reduced_to_a_random_subset_in_random_order():
    regions = columns(*range(1, 11))
    torch.manual_seed(0)
    drawn = [areas(drawn_masks(regions, 4, MaskDraws())) for _ in range(40)]
    assert all(len(set(one)) == 4 for one in drawn)
    assert {area for one in drawn for area in one} == set(range(1, 11))
    assert any(one != sorted(one) for one in drawn)


def test_without_regions_the_first_mask_is_soft():
    torch.manual_seed(0)
    masks = drawn_masks(columns(), 4, MaskDraws())
    soft = [bool(((mask > 0) & (mask < 1)).any()) for mask in masks]
    assert masks.shape == (4, *SIZE) and sum(soft) == 1
    assert masks.min() >= 0 and masks.max() <= 1


def test_largest_regions_come_first_and_the_same_each_time():
    masks = largest_masks(columns(2, 9, 5, 4), 3)
    assert areas(masks) == [9, 5, 4]
    first, second = (largest_masks(columns(2, 9), 4) for _ in range(2))
    assert torch.equal(first, second) and areas(first)[:2] == [9, 2]


def test_a_fixed_draw_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    largest_masks(columns(2), 4)
    assert torch.equal(torch.get_rng_state(), state)


def test_queries_are_means_inside_of_their_regions():
    features = torch.randn(1, 5, *SIZE, requires_grad=True)
    masks = columns(4, 0)[None].float()
    queries = pooled_queries(features, masks)
    torch.testing.assert_close(queries[0, 0], features[0, :, :, :4].mean((1, 2)))
    assert not queries[0, 1].any()
    queries.sum().backward()
    assert features.grad[..., :4].all() and not features.grad[..., 4:].any()


def test_queries_of_half_precision_are_finite_and_float32():
    features = torch.full((1, 2, *SIZE), 6e4, dtype=torch.float16)
    queries = pooled_queries(features, columns(12)[None].float())
    assert queries.dtype == torch.float32
    torch.testing.assert_close(queries, torch.full((1, 1, 2), 6e4), rtol=1e-3, atol=0)


def test_what_the_first_layer_may_not_see():
    masks = columns(6, 12, 0)[None].float()
    inside = torch.zeros(2, 3, dtype=torch.bool)
    inside[:, :2] = True  # 6 of 12 columns are 1.5 of 3 cells: half of the second one
    outside = first_blocked(masks, (2, 3), 'outside')
    assert torch.equal(outside[0, 0], inside.flatten())
    assert torch.equal(first_blocked(masks, (2, 3), 'inside')[0, 0], ~inside.flatten())
    # A row that is blocked everywhere is freed.
    assert not outside[0, 1].any()
    assert not first_blocked(masks, (2, 3), 'inside')[0, 2].any()
    assert first_blocked(masks, (2, 3), 'predicted') is None


@pytest.mark.parametrize('count', [1, 3])
def test_any_number_of_queries(count):
    assert drawn_masks(columns(1, 2), count, MaskDraws()).shape[0] == count
    assert largest_masks(columns(1, 2), count).shape[0] == count
