"""The best, the median and the worst image, and how they are shown."""
import base64
import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from mmseg_ssr.errors import UserError
from mmseg_ssr.report import gallery
from mmseg_ssr.report.gallery import Examined, frames, most_different
from mmseg_ssr.report.pictures import LARGEST, label_picture, legend, photograph
from mmseg_ssr.report.predictions import Checkpointed, image_scores
from mmseg_ssr.report.runs import read_run
from mmseg_ssr.visualization import colorize

CPU = torch.device('cpu')
PALETTE = [(200, 10, 10), (10, 200, 10), (10, 10, 200)]


def pixels(picture):
    """RGB pixels of an embedded picture."""
    content = base64.b64decode(picture.address.split(';base64,')[1], validate=True)
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize('scores, expected', [
    ([30., 50., 10., 40., 20.], [('best', 1), ('median', 0), ('worst', 2)]),
    ([math.nan, 50., 10., 40., math.nan], [('best', 1), ('median', 3), ('worst', 2)]),
    ([10., 40., 30., 20.], [('best', 1), ('median', 3), ('worst', 0)]),  # the worse of two
    ([5., 5., 5.], [('best', 0), ('median', 1), ('worst', 2)]),
    ([10., 20.], [('best', 1), ('median and worst', 0)]),
    ([7.], [('best and median and worst', 0)]),
])
def test_frames(scores, expected):
    assert frames(scores) == expected


def test_without_a_score_there_are_no_frames():
    with pytest.raises(UserError, match='no label of the test images holds a class'):
        frames([math.nan, math.nan])


def test_images_that_the_runs_differ_on():
    one, two, three = (Examined(None, None, scores) for scores in (
        [10., 50., 30., math.nan], [10., 20., 31., math.nan], [10., 40., 90., math.nan]))
    assert most_different([one, two, three]) == [2, 1]
    assert most_different([one]) == []


@pytest.fixture(scope='module')
def both(runs):
    return [read_run(str(runs.source_only)), read_run(str(runs.ssr))]


def test_the_images_are_chosen_by_the_scores_of_the_last_run(both):
    found, left_out = gallery.compare(both, CPU, None)
    assert left_out == [] and (found.ranked_by, found.images) == ('ssr', 3)
    first, last = (Checkpointed(run, CPU) for run in both)
    scores = image_scores(last.matrices())
    order = np.argsort(scores)[::-1]
    assert len(set(scores)) == 3  # or else the order means nothing
    files = [info['filename'] for info in last.dataset.img_infos]
    assert [strip.title for strip in found.strips] == [
        f'{name}: {files[i]}' for name, i in zip(('best', 'median', 'worst'), order)]
    others = image_scores(first.matrices())
    for strip, i in zip(found.strips, order):
        assert [picture.caption for picture in strip.pictures] == [
            'photograph', 'truth', f'source_only: mIoU {others[i]:.1f}',
            f'ssr: mIoU {scores[i]:.1f}']


def test_the_pictures_are_those_of_the_runs(both):
    strips = gallery.compare(both, CPU, None)[0].strips
    files = [info['filename'] for info in Checkpointed(both[0], CPU).dataset.img_infos]
    indices = [files.index(strip.title.split(': ')[1]) for strip in strips]
    for position, run in enumerate(both):
        trained = Checkpointed(run, CPU)
        for strip, expected in zip(strips, trained.predictions(indices)):
            image, truth, *labels = map(pixels, strip.pictures)
            assert image.shape == truth.shape == labels[position].shape == (32, 64, 3)
            assert np.abs(image.astype(int) - expected.image).mean() < 8  # JPEG
            palette = trained.dataset.PALETTE
            np.testing.assert_array_equal(truth, colorize(expected.truth, palette))
            np.testing.assert_array_equal(labels[position], colorize(expected.label, palette))


def test_one_run_has_a_gallery_too(both):
    found, _ = gallery.compare(both[1:], CPU, 2)
    assert [strip.title.split(':')[0] for strip in found.strips] == ['best', 'median and worst']
    assert [len(strip.pictures) for strip in found.strips] == [3, 3] and found.differing == []


def test_a_run_without_a_checkpoint_is_named_in_a_line(both):
    found, left_out = gallery.compare([both[0]._replace(checkpoint=None), both[1]], CPU, 1)
    assert left_out == ['source_only, pictures: no checkpoint iter_N.pth in the folder']
    assert found.ranked_by == 'ssr'
    assert gallery.compare([both[0]._replace(config=None)], CPU, 1) == (
        None, ['source_only, pictures: no config.py in the folder'])


def test_runs_on_other_images_are_left_out(both):
    dataset = Checkpointed(both[1], CPU).dataset
    other = SimpleNamespace(img_infos=[dict(filename='other.png')], CLASSES=dataset.CLASSES)
    left_out = []
    found = gallery.side_by_side(
        [Examined(both[0], other, [1.]), Examined(both[1], dataset, [1., 3., 2.])], CPU, None,
        left_out)
    assert left_out == ['source_only, images side by side: it is tested on other images than ssr']
    assert [len(strip.pictures) for strip in found.strips] == [3] * 3


def test_large_images_are_reduced_and_labels_keep_their_colors():
    label = np.random.default_rng(0).integers(0, 3, (3 * LARGEST // 4, 3 * LARGEST))
    shown = pixels(label_picture('', label, PALETTE))
    assert shown.shape == (LARGEST // 4, LARGEST, 3)
    assert {tuple(color) for color in shown.reshape(-1, 3).tolist()} == set(PALETTE)
    assert pixels(photograph('', np.zeros((5, 2 * LARGEST, 3), np.uint8))).shape == (2, LARGEST, 3)
    assert pixels(photograph('', np.zeros((5, 40, 3), np.uint8))).shape == (5, 40, 3)


def test_the_legend_names_pixels_without_a_class_too():
    assert legend(['road', 'sky', 'car'], PALETTE) == [
        ('road', '#c80a0a'), ('sky', '#0ac80a'), ('car', '#0a0ac8'), ('no class', '#000000')]
