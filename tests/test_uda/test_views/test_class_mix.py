import torch

from mmseg_ssr.uda import Draws, class_mix_masks, mix


class Chosen(Draws):
    """Draws the classes it is given, first image first."""

    def __init__(self, *classes):
        super().__init__()
        self.classes = list(classes)

    def class_keys(self, image, device):
        keys = torch.ones(256)
        keys[self.classes.pop(0)] = 0
        return keys


LABEL = torch.tensor([[[[0, 0, 1, 2]]], [[[2, 7, 255, 255]]]])  # five values in the batch


def test_pastes_half_of_the_classes_of_the_batch_rounded_up():
    masks = class_mix_masks(LABEL, Chosen([0, 2, 255], [1, 7, 255]))
    assert masks[0, 0, 0].tolist() == [True, True, False, True]
    assert masks[1, 0, 0].tolist() == [False, True, True, True]


def test_a_class_is_pasted_whole_or_not_at_all():
    for seed in range(20):
        masks = class_mix_masks(LABEL, Draws(seed))
        pasted = [set(image[mask].tolist()) for image, mask in zip(LABEL, masks)]
        kept = [set(image[~mask].tolist()) for image, mask in zip(LABEL, masks)]
        assert all(not p & k for p, k in zip(pasted, kept)) and any(pasted)


def test_every_class_is_drawn_about_equally_often():
    one_class_images = torch.arange(4).view(4, 1, 1, 1)
    draws, count = Draws(0), torch.zeros(4)
    for _ in range(500):
        count += class_mix_masks(one_class_images, draws).view(4)
    assert (count / 500 - 0.5).abs().max() < 0.1


def test_mix_takes_source_where_the_mask_is_set():
    mask = torch.tensor([[[[True, False]]]])
    source, target = torch.ones(1, 3, 1, 2), torch.zeros(1, 3, 1, 2)
    assert mix(mask, source, target).tolist() == [[[[1., 0.]]] * 3]
