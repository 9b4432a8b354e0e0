import numpy as np
import torch

import mmseg_ssr.pretraining.scenes as module
from mmseg_ssr.pretraining.scenes import UNSORTED, Scenes, batches, draw_scenes, normalize
from mmseg_ssr.pretraining.shapes import describe

SIZE = (64, 32)


def test_the_same_scene_in_other_looks():
    scenes = draw_scenes(2, looks=3, size=SIZE, kinds=8)
    assert scenes.images.shape == (2, 3, 32, 64, 3) and scenes.images.dtype == np.uint8
    assert scenes.objects.shape == (2, 32, 64) and len(np.unique(scenes.objects[0])) > 3
    assert (scenes.images[0, 0] != scenes.images[0, 1]).mean() > 0.5
    assert (scenes.objects[0] != scenes.objects[1]).any()
    assert scenes.kinds.shape == scenes.objects.shape and scenes.kinds.max() == 7


def test_an_object_has_one_kind_and_the_bonnet_none():
    scenes = draw_scenes(2, size=SIZE, kinds=8)
    for objects, kinds in zip(scenes.objects, scenes.kinds):
        assert all(len(np.unique(kinds[objects == one])) == 1 for one in np.unique(objects))
    assert (scenes.kinds[0] >= 0).all()  # it has no bonnet
    bonnet = scenes.kinds[1] == UNSORTED
    assert (scenes.objects[1][bonnet] == scenes.objects[1].max()).all()
    assert bonnet[-1].mean() > 0.5 and not bonnet[:SIZE[1] // 2].any()


def test_what_the_bonnet_covers_does_not_change_the_kinds(monkeypatch):
    described = []
    monkeypatch.setattr(module, 'describe', lambda objects, parts: described.append(objects)
                        or describe(objects, parts))
    drawn = draw_scenes(2, size=SIZE, kinds=8)
    assert (described[1] != drawn.objects[1]).any() and (described[0] == drawn.objects[0]).all()
    assert described[1].max() < drawn.objects[1].max()


def test_drawings_depend_on_seed_and_index_alone():
    many, again, one = (draw_scenes(20, size=SIZE, kinds=8, workers=2),
                        draw_scenes(20, size=SIZE, kinds=8), draw_scenes(1, size=SIZE, kinds=2))
    for parts in zip(many, again):
        np.testing.assert_array_equal(*parts)
    np.testing.assert_array_equal(many.images[0], one.images[0])
    assert (draw_scenes(1, size=SIZE, kinds=2, seed=1).objects[0] != one.objects[0]).any()


def test_both_looks_of_a_batch_are_cut_and_flipped_alike():
    where = np.arange(32 * 64, dtype=np.int16).reshape(1, 32, 64)  # each pixel says where it is
    shown = (where % 251).astype(np.uint8)[..., None].repeat(3, axis=-1)
    scenes = Scenes(np.stack([shown, shown], axis=1), where, where + 3)
    batch = next(batches(scenes, 6, 16, seed=0))
    assert torch.equal(batch.kinds, batch.objects + 3)
    assert batch.objects.shape == (6, 16, 16) and batch.first.shape == (6, 3, 16, 16)
    expected = normalize((batch.objects.numpy() % 251).astype(np.uint8)[..., None].repeat(3, -1))
    torch.testing.assert_close(batch.first, expected)
    torch.testing.assert_close(batch.second, expected)
    steps = batch.objects[:, 0, 1] - batch.objects[:, 0, 0]
    assert set(steps.tolist()) == {1, -1}  # some flipped, some not


def test_the_stream_is_of_its_seed():
    scenes = draw_scenes(3, size=SIZE, kinds=8)
    first, again, other = (next(batches(scenes, 4, 16, seed)) for seed in (0, 0, 1))
    assert torch.equal(first.objects, again.objects) and torch.equal(first.second, again.second)
    assert not torch.equal(first.objects, other.objects)
