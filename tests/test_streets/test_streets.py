"""The drawings: repeatable, all classes, two looks that differ while the labels do not."""
import numpy as np
import pytest

from mmseg_ssr.streets import (
    SOURCE_TRAIN,
    TARGET_TRAIN,
    TARGET_VAL,
    camera_look,
    draw_sample,
    game_look,
    random_look,
)
from mmseg_ssr.streets.camera import Camera
from mmseg_ssr.streets.labels import EVALUATED, Label
from mmseg_ssr.streets.palettes import CAMERA, GAME
from mmseg_ssr.streets.scene import FEATURES
from mmseg_ssr.streets.things.body import Frame

SIZE = (128, 64)


def test_a_sample_depends_on_seed_split_and_index_alone():
    first, raster = draw_sample(SOURCE_TRAIN, 3, SIZE, seed=5)
    draw_sample(TARGET_VAL, 0, SIZE)
    again, raster_again = draw_sample(SOURCE_TRAIN, 3, SIZE, seed=5)
    assert np.array_equal(first, again)
    assert np.array_equal(raster.labels, raster_again.labels)
    for split, index, seed in ((SOURCE_TRAIN, 4, 5), (TARGET_TRAIN, 3, 5), (SOURCE_TRAIN, 3, 6)):
        other = draw_sample(split, index, SIZE, seed)[1]
        assert not np.array_equal(raster.labels, other.labels)


def test_a_round_of_features_shows_every_class():
    seen = set()
    for index in range(len(FEATURES)):
        labels = draw_sample(SOURCE_TRAIN, index, SIZE)[1].labels
        values, counts = np.unique(labels, return_counts=True)
        seen |= set(values[counts > 10])
    assert seen >= {int(label) for label in EVALUATED}
    assert len(EVALUATED) == 19


def test_perspective_sky_above_and_road_below():
    for index in range(5):
        labels = draw_sample(SOURCE_TRAIN, index, SIZE)[1].labels
        assert (labels[:5] == Label.SKY).any()
        assert not (labels[40:] == Label.SKY).any()
        assert (labels[-1] == Label.ROAD).mean() > 0.25


def test_picture_and_labels_have_the_size_and_type():
    picture, raster = draw_sample(TARGET_TRAIN, 0, (96, 50))
    assert picture.shape == (50, 96, 3) and picture.dtype == np.uint8
    assert raster.labels.shape == (50, 96) and raster.labels.dtype == np.uint8
    assert raster.things.shape == (50, 96) and raster.things.max() > 10
    assert np.isfinite(raster.depth).all() and raster.depth.min() > 0


def test_the_look_changes_the_picture_and_not_the_labels():
    pictures, labels = zip(*((picture, raster.labels) for picture, raster in
                             (draw_sample(SOURCE_TRAIN, 1, SIZE, look=look)
                              for look in (game_look, camera_look, random_look))))
    assert np.array_equal(labels[0], labels[1]) and np.array_equal(labels[0], labels[2])
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() > 20
    assert np.abs(pictures[0].astype(int) - pictures[2]).mean() > 10


def test_source_is_cleaner_and_more_saturated_than_target():
    def saturation_and_noise(split):
        saturation, noise = [], []
        for index in range(4):
            picture, raster = draw_sample(split, index, SIZE)
            picture = picture.astype(float)
            saturation.append((picture.max(axis=2) - picture.min(axis=2)).mean())
            road = (raster.labels == Label.ROAD)[:, 1:] & (raster.labels == Label.ROAD)[:, :-1]
            noise.append(np.median(np.abs(np.diff(picture, axis=1))[road]))
        return np.mean(saturation), np.mean(noise)

    source, target = saturation_and_noise(SOURCE_TRAIN), saturation_and_noise(TARGET_TRAIN)
    assert source[0] > 1.5 * target[0]
    assert target[1] > 2 * source[1]


def test_only_the_target_shows_the_bonnet_along_the_bottom():
    assert not (draw_sample(SOURCE_TRAIN, 0, SIZE)[1].labels == Label.EGO_VEHICLE).any()
    for split in (TARGET_TRAIN, TARGET_VAL):
        bonnet = draw_sample(split, 0, SIZE)[1].labels == Label.EGO_VEHICLE
        assert bonnet[-1, SIZE[0] // 2] and not bonnet[: int(0.85 * SIZE[1])].any()


def test_every_material_has_a_color_in_both_palettes_and_all_are_used():
    assert set(GAME) == set(CAMERA)
    used = set()
    for index in range(30):
        used |= {part.material for part in draw_sample(TARGET_TRAIN, index, SIZE)[1].parts}
    assert used == set(GAME)


def test_random_looks_differ_from_each_other():
    looks = [random_look(np.random.default_rng(seed)) for seed in range(3)]
    assert len({look.gamma for look in looks}) == 3
    assert all(set(look.palette) == set(GAME) for look in looks)
    assert looks[0].palette['asphalt'] != looks[1].palette['asphalt']


def test_camera_maps_the_ground_and_back():
    camera, size = Camera(height=1.5, focal=0.8, center=0.5, horizon=0.4), (100, 50)
    # 8 m ahead: 80 px focal length * 1.5 m / 8 m = 15 px under the horizon at row 20
    pixel = camera.project(np.array([[1.0, 0.0, 8.0]]), size)
    assert pixel == pytest.approx(np.array([[60.0, 35.0]]))
    x, z = camera.ground(size)
    point = np.array([[x[40, 70], 0.0, z[40, 70]]])
    assert camera.project(point, size) == pytest.approx(np.array([[70.5, 40.5]]))


def test_only_faces_towards_the_camera_are_drawn():
    right_ahead = Frame(x=5.0, z=10.0, heading=np.pi / 2)
    side = right_ahead.visible_side(1.0)
    assert right_ahead.side([(0, 1)], side)[0, 0] == pytest.approx(4.0)  # the left one
    end = right_ahead.visible_end(2.0)
    assert right_ahead.end([(0, 1)], end)[0, 2] == pytest.approx(8.0)  # the near one
    straight_ahead = Frame(x=0.0, z=10.0, heading=np.pi / 2)
    assert straight_ahead.visible_side(1.0) is None
