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


def test_both_looks_of_a_batch_are_cut_and_flipped_alike():
    where = np.arange(32 * 64, dtype=np.int16).reshape(1, 32, 64)  # each pixel says where it is
    shown = (where % 251).astype(np.uint8)[..., None].repeat(3, axis=-1)
    scenes = Scenes(np.stack([shown, shown], axis=1), where)
    batch = next(batches(scenes, 6, 16, seed=0))
    assert batch.objects.shape == (6, 16, 16) and batch.first.shape == (6, 3, 16, 16)
    expected = normalise((batch.objects.numpy() % 251).astype(np.uint8)[..., None].repeat(3, -1))
    torch.testing.assert_close(batch.first, expected)
    torch.testing.assert_close(batch.second, expected)
    steps = batch.objects[:, 0, 1] - batch.objects[:, 0, 0]
    assert set(steps.tolist()) == {1, -1}  # some flipped, some not


def test_the_stream_is_of_its_seed():
    scenes = draw_scenes(3, size=SIZE)
    first, again, other = (next(batches(scenes, 4, 16, seed)) for seed in (0, 0, 1))
    assert torch.equal(first.objects, again.objects) and torch.equal(first.second, again.second)
    assert not torch.equal(first.objects, other.objects)
