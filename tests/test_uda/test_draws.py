import numpy as np
import torch

from mmseg_ssr.uda import Draws

CPU = torch.device('cpu')


def decisions(draws):
    return (draws.uniform(), draws.crop_box(64, 64, (8, 8)), *image_decisions(draws, 0),
            *image_decisions(draws, 1))


def image_decisions(draws, image):
    ranges = dict(brightness=(0, 1), contrast=(0, 1), saturation=(0, 1), hue=(0, 1))
    return (draws.class_keys(image, CPU).tolist(), draws.blur_sigma(image),
            draws.block_grid(image, (2, 2), CPU).tolist(), draws.jitter(image, ranges))


def test_an_iteration_draws_the_same_whatever_came_before():
    one, two = Draws(3), Draws(3)
    decisions(two)
    for draws in (one, two):
        draws.start_iteration(7)
    assert decisions(one) == decisions(two)


def test_seeds_iterations_and_images_differ():
    drawn = []
    for seed, iteration in ((0, 0), (1, 0), (0, 1)):
        draws = Draws(seed)
        draws.start_iteration(iteration)
        drawn += [draws.uniform(), draws.blur_sigma(0), draws.blur_sigma(1)]
    assert len(set(drawn)) == 9


def test_processes_draw_together_what_one_draws_for_the_whole_batch():
    whole, second = Draws(3), Draws(3)
    whole.start_iteration(5)
    second.start_iteration(5, first_image=2)  # rank 1 of two with batches of 2
    assert whole.uniform() == second.uniform()
    assert whole.crop_box(64, 64, (8, 8)) == second.crop_box(64, 64, (8, 8))
    for image in range(2):
        assert image_decisions(whole, 2 + image) == image_decisions(second, image)


def test_crop_boxes_reach_every_allowed_position():
    draws = Draws(0)
    boxes = {draws.crop_box(16, 12, (8, 8), divisible=4) for _ in range(100)}
    assert {b[0] for b in boxes} == {0, 4, 8} and {b[2] for b in boxes} == {0, 4}
    assert all(y2 - y1 == 8 and x2 - x1 == 8 for y1, y2, x1, x2 in boxes)


def test_sigmas_of_the_blur_are_the_published_ones():
    sigmas = torch.tensor([Draws(0).blur_sigma(image) for image in range(2000)])
    assert 0.15 <= sigmas.min() < 0.16 and 1.14 < sigmas.max() < 1.15
    assert abs(sigmas.mean() - 0.65) < 0.03


def test_crops_do_not_depend_on_what_else_is_drawn_for_the_batch():
    first, second = Draws(3), Draws(3)
    before = first.crop_box(64, 128, (32, 32), 4)
    decisions = [first.uniform(), first.uniform()]
    assert [second.uniform(), second.uniform()] == decisions
    assert second.crop_box(64, 128, (32, 32), 4) == before


def test_crops_augmentations_and_images_are_drawn_independently():
    draws, drawn = Draws(3), []
    for iteration in range(400):
        draws.start_iteration(iteration)
        y, _, x, _ = draws.crop_box(1064, 1064, (64, 64))
        drawn.append((draws.uniform(), y, x, draws.blur_sigma(0), draws.blur_sigma(1)))
    correlations = np.corrcoef(np.array(drawn).T) - np.eye(5)
    assert abs(correlations).max() < 0.2  # four standard deviations


def test_generators_of_images_do_as_the_other_draws():
    whole, second, later = Draws(3), Draws(3), Draws(3)
    whole.start_iteration(5)
    later.start_iteration(5)
    second.start_iteration(5, first_image=2)

    def numbers(draws, image):
        return torch.rand(3, generator=draws.generator(image, CPU)).tolist()

    decisions(later)
    drawn = [numbers(whole, image) for image in range(4)]
    assert [numbers(second, image) for image in range(2)] == drawn[2:]
    assert [numbers(later, image) for image in range(4)] == drawn
    further = numbers(whole, 0)  # of a further view
    assert further not in drawn and numbers(later, 0) == further
    later.start_iteration(6)
    whole = Draws(3)
    whole.start_iteration(6)
    first = numbers(later, 0)
    assert first not in [*drawn, further] and numbers(whole, 0) == first
