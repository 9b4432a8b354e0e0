import torch

from mmseg_ssr.uda import Draws

CPU = torch.device('cpu')


def decisions(draws):
    return (draws.uniform(), draws.class_keys(CPU).tolist(), draws.blur_sigma(),
            draws.block_grid((1, 1, 2, 2), CPU).tolist(), draws.crop_box(64, 64, (8, 8)),
            draws.jitter(dict(brightness=(0, 1), contrast=(0, 1), saturation=(0, 1), hue=(0, 1))))


def test_an_iteration_draws_the_same_whatever_came_before():
    one, two = Draws(3), Draws(3)
    decisions(two)
    for draws in (one, two):
        draws.start_iteration(7)
    assert decisions(one) == decisions(two)


def test_seeds_ranks_and_iterations_differ():
    drawn = []
    for seed, rank, iteration in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)):
        draws = Draws(seed, rank)
        draws.start_iteration(iteration)
        drawn.append(draws.uniform())
    assert len(set(drawn)) == 4


def test_crop_boxes_reach_every_allowed_position():
    draws = Draws(0)
    boxes = {draws.crop_box(16, 12, (8, 8), divisible=4) for _ in range(100)}
    assert {b[0] for b in boxes} == {0, 4, 8} and {b[2] for b in boxes} == {0, 4}
    assert all(y2 - y1 == 8 and x2 - x1 == 8 for y1, y2, x1, x2 in boxes)
