"""Random decisions of the heads with masks: of each image, in whatever batch it is."""
import copy

import pytest
import torch

from mmseg_ssr import distributed
from mmseg_ssr.models.mask_former.draws import MaskDraws
from mmseg_ssr.models.mask_former.mask_losses import MaskPredictions
from mmseg_ssr.uda import Draws
from mmseg_ssr.uda.student import training_features
from mmseg_ssr.uda.update.teacher import EMATeacher

from .test_segmentors import CLASSES, built

CPU = torch.device('cpu')


def decisions(draws, images):
    """What is drawn for some images, one list for each."""
    points = draws.points([image for image in images for _ in range(image + 1)], 3, CPU)
    counts = [image + 1 for image in images]
    return [(draws.placeholders(image, 2, (3, 4), CPU).tolist(),
             draws.subset(image, 9, 4, CPU).tolist(), draws.permutation(image, 9, CPU).tolist(),
             own.tolist()) for image, own in zip(images, points.split(counts))]


def test_an_image_draws_the_same_without_the_others():
    whole, alone = MaskDraws(), MaskDraws()
    for masks, iteration in ((whole, Draws(3)), (alone, Draws(3))):
        iteration.start_iteration(7)
        masks.follow(iteration)
    expected = decisions(whole, [0, 1, 2])
    assert decisions(alone, [1]) == expected[1:2]
    assert expected[0][0] != expected[1][0] and expected[0][2] != expected[1][2]


def test_without_iterations_the_global_generator_draws():
    draws = MaskDraws()
    torch.manual_seed(0)
    first, second = decisions(draws, [0]), decisions(draws, [0])
    torch.manual_seed(0)
    assert first != second and decisions(draws, [0]) == first
    draws.follow(Draws(3))
    state = torch.get_rng_state()
    decisions(draws, [0])
    assert torch.equal(state, torch.get_rng_state())
    draws.follow(None)
    torch.manual_seed(0)
    assert decisions(draws, [0]) == first


@pytest.mark.parametrize('kind', ['SARFormer', 'Mask2Former'])
def test_losses_follow_the_iteration(kind):
    model = built(kind).train()
    img, label = torch.randn(2, 3, 64, 64), torch.randint(0, CLASSES, (2, 1, 64, 64))
    draws, found = Draws(3), []
    for iteration in (4, 5, 4):
        draws.start_iteration(iteration)
        features = training_features(model, img, draws)
        losses = model.decode_head.forward_train(features, [], label, None)
        found.append(losses['loss_mask'].item())
    assert found[0] == found[2] != found[1]
    copy.deepcopy(model)  # teachers and averages are made so


def gradients(kind, share):
    """Gradients of the head for an image of each process, or for both in one process.

    The layers are in float64: rounding in float32 turns what the head decides, as assignments.
    """
    model = built(kind, head=dict(num_queries=9)).double()
    model.decode_head.train().losses.float()
    random = torch.Generator().manual_seed(1)
    img = torch.randn(2, 3, 64, 64, generator=random, dtype=torch.float64)
    label = torch.stack([torch.full((64, 64), 1), torch.randint(0, CLASSES, (64, 64),
                                                                generator=random)])
    weight = torch.rand(2, 64, 64, generator=random)
    own = slice(distributed.rank(), distributed.rank() + 1) if share else slice(2)
    draws = Draws(3)
    draws.start_iteration(4, own.start or 0)
    features = training_features(model, img[own], draws)
    head = model.decode_head
    classes, masks, size = head(features)
    predicted = MaskPredictions([one.float() for one in classes], [one.float() for one in masks],
                                size)
    losses = head.prediction_losses(predicted, label[own], weight[own])
    parameters = list(head.parameters())
    found = list(torch.autograd.grad(sum(losses.values()), parameters, allow_unused=True))
    found = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found)]
    distributed.average_gradients(found)
    return torch.cat([gradient.flatten() for gradient in found])


@pytest.mark.parametrize('kind', ['SARFormer', 'Mask2Former'])
def test_two_processes_have_the_gradients_of_one(pair, kind):
    first, second = pair(gradients, kind, True)
    alone = gradients(kind, False)
    assert torch.equal(first, second) and alone.norm() > 0.1
    assert (first - alone).norm() < 1e-6 * alone.norm()


def test_a_teacher_takes_the_largest_regions_each_time():
    teacher = EMATeacher(built())
    img = torch.randn(1, 3, 64, 64)
    state = torch.get_rng_state()
    first, second = (teacher.network.encode_decode(img, None) for _ in range(2))
    assert torch.equal(first, second) and torch.equal(state, torch.get_rng_state())
    assert teacher.network.training and not teacher.network.decode_head.training
