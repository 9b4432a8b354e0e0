import numpy as np
import torch

from mmseg_ssr.pretraining.scenes import Scenes, batches, draw_scenes, normalise

SIZE = (64, 32)


def test_the_same_scene_in_other_looks():
    scenes = draw_scenes(2, looks=3, size=SIZE)
    assert scenes.images.shape == (2, 3, 32, 64, 3) and scenes.images.dtype == np.uint8
    assert scenes.objects.shape == (2, 32, 64) and len(np.unique(scenes.objects[0])) > 3
    assert (scenes.images[0, 0] != scenes.images[0, 1]).mean() > 0.5
    assert (scenes.objects[0] != scenes.objects[1]).any()


def test_drawings_depend_on_seed_and_index_alone():
    three, one = draw_scenes(20, size=SIZE, workers=2), draw_scenes(1, size=SIZE)
    np.testing.assert_array_equal(three.images[0], one.images[0])
    assert (draw_scenes(1, size=SIZE, seed=1).objects[0] != one.objects[0]).any()


def test_crops_of_a_scene_are_of_two_places_and_looks():
    where = np.arange(32 * 64, dtype=np.int16).reshape(1, 32, 64)  # each pixel says where it is
    shown = np.stack([where % 251, where % 241], axis=1).astype(np.uint8)  # the look changes it
    scenes = Scenes(shown[..., None].repeat(3, axis=-1), where)
    images, objects = next(batches(scenes, 6, 16, seed=0))
    assert objects.shape == (12, 16, 16) and images.shape == (12, 3, 16, 16)
    looks = [normalise((objects.numpy() % modulus).astype(np.uint8)[..., None].repeat(3, -1))
             for modulus in (251, 241)]
    of_look = torch.stack([(images == look).all(dim=3).all(dim=2).all(dim=1) for look in looks])
    assert torch.equal(of_look.sum(dim=0), torch.ones(12, dtype=torch.long))
    assert torch.equal(of_look[:, :6], of_look[:, 6:].flip(0)), 'a scene has both looks'
    steps = objects[:, 0, 1] - objects[:, 0, 0]
    assert set(steps.tolist()) == {1, -1}  # some flipped, some not
    assert (objects[:6] != objects[6:]).flatten(1).any(dim=1).all()


def test_the_stream_is_of_its_seed():
    scenes = draw_scenes(3, size=SIZE)
    first, again, other = (next(batches(scenes, 4, 16, seed)) for seed in (0, 0, 1))
    assert torch.equal(first.objects, again.objects) and torch.equal(first.images, again.images)
    assert not torch.equal(first.objects, other.objects)
