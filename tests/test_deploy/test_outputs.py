import os
import sys

import cv2
import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset
from PIL import Image

from mmseg_ssr.deploy.inputs import Input, open_video
from mmseg_ssr.deploy.outputs import Results
from mmseg_ssr.deploy.predictor import Prediction
from mmseg_ssr.errors import ConfigError, DataError, UserError

CLASSES, PALETTE = CityscapesDataset.CLASSES, CityscapesDataset.PALETTE


def results(tmp_path, **options):
    return Results(str(tmp_path / 'out'), CLASSES, PALETTE, **options)


def prediction(gray=100, size=(32, 48)):
    label = np.zeros(size, np.uint8)
    label[:, 24:] = 13  # car
    return Prediction(np.full((*size, 3), gray, np.uint8), label,
                      np.full(size, 0.8, np.float32), CLASSES, PALETTE)


def files(folder):
    return sorted(os.path.relpath(os.path.join(parent, name), folder)
                  for parent, _, names in os.walk(folder) for name in names)


@pytest.mark.parametrize('kind, road, car', [('train', 0, 13), ('cityscapes', 7, 26)])
def test_labels_hold_ids_and_are_painted(tmp_path, kind, road, car):
    results(tmp_path, label_ids=kind).write('a/b', prediction())
    with Image.open(tmp_path / 'out/label/a/b.png') as image:
        assert image.mode == 'P'
        ids, painted = np.array(image), np.array(image.convert('RGB'))
    assert (ids[:, :24] == road).all() and (ids[:, 24:] == car).all()
    assert painted[0, 0].tolist() == PALETTE[0] and painted[0, -1].tolist() == PALETTE[13]


def test_overlay_and_confidence(tmp_path):
    results(tmp_path, opacity=0.25).write('a', prediction())
    painted = cv2.imread(str(tmp_path / 'out/overlay/a.png'))[0, -1, ::-1]  # RGB
    np.testing.assert_allclose(painted, 75 + 0.25 * np.array(PALETTE[13]), atol=1)
    confidence = cv2.imread(str(tmp_path / 'out/confidence/a.png'), cv2.IMREAD_UNCHANGED)
    assert confidence.shape == (32, 48) and (confidence == 204).all()


def test_only_what_is_asked_for(tmp_path):
    chosen = results(tmp_path, kinds=['confidence'])
    chosen.write('a', prediction())
    with chosen.video('b', 5) as write:
        write(prediction())
    assert files(tmp_path / 'out') == ['confidence/a.png', 'confidence/b/000001.png']


def test_the_legend_has_every_color(tmp_path):
    results(tmp_path).write_legend()
    legend = cv2.imread(str(tmp_path / 'out/legend.png'))[..., ::-1].reshape(-1, 3)
    assert set(map(tuple, PALETTE)) <= set(map(tuple, legend.tolist()))


@pytest.mark.parametrize('size', [(32, 48), (33, 47)])
def test_video(tmp_path, size):
    with results(tmp_path).video('clip', 12.5) as write:
        for gray in (0, 120, 240):
            write(prediction(gray, size))
    assert files(tmp_path / 'out') == [
        *(f'confidence/clip/00000{i}.png' for i in (1, 2, 3)),
        *(f'label/clip/00000{i}.png' for i in (1, 2, 3)), 'overlay/clip.mp4']
    with open_video(str(tmp_path / 'out/overlay/clip.mp4')) as video:
        frames = list(video.images)
        assert video.rate == pytest.approx(12.5)
    expected = [prediction(gray, size).overlay()[8, 8] for gray in (0, 120, 240)]
    np.testing.assert_allclose([frame[8, 8] for frame in frames], expected, atol=12)


def test_a_video_that_is_stopped_has_the_frames_so_far(tmp_path):
    with pytest.raises(KeyboardInterrupt), results(tmp_path).video('clip', 5) as write:
        write(prediction())
        raise KeyboardInterrupt
    with open_video(str(tmp_path / 'out/overlay/clip.mp4')) as video:
        assert len(list(video.images)) == 1
    assert os.listdir(tmp_path / 'out/overlay') == ['clip.mp4']


@pytest.mark.parametrize('item, result', [
    (Input('out/overlay/a.png', 'a'), 'out/overlay/a.png'),
    (Input('clip.mp4', 'clip', True), 'out/overlay/clip.mp4'),
    (Input('clip.mp4', 'clip', True), 'out/label/clip/000001.png'),
    (Input('0', 'camera0', True), 'out/confidence/camera0/1000000.png'),
    (Input('a.png', 'a'), 'out/legend.png'),
])
def test_an_input_is_never_written_over(tmp_path, monkeypatch, item, result):
    monkeypatch.chdir(tmp_path)
    inputs = [item, Input(result, 'other')]
    with pytest.raises(DataError, match=f'would be written over the input {result}'):
        results(tmp_path).check_inputs(inputs)
    Results('elsewhere', CLASSES, PALETTE).check_inputs(inputs)


@pytest.mark.parametrize('path', ['out/label/clip/photo.png', 'out/label/clip/more/000001.png',
                                  'out/label/000001.png', 'out/overlay/clip/000001.png',
                                  'out/label/legend.png'])
def test_what_no_result_replaces_is_let(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    results(tmp_path).check_inputs([Input('clip.mp4', 'clip', True), Input(path, 'other')])


@pytest.mark.skipif(sys.platform == 'win32', reason='folders have no permissions')
def test_no_room(tmp_path):
    (tmp_path / 'out').write_text('a file, no folder')
    with pytest.raises(UserError, match='out/overlay cannot be written .*whose folder exists'):
        results(tmp_path).write('a', prediction())


@pytest.mark.parametrize('options, message', [
    (dict(kinds=['overlays']), "did you mean 'overlay'"),
    (dict(label_ids='color'), 'label ids are train or cityscapes'),
    (dict(opacity=0), 'opacity must be in'),
])
def test_wrong_options(tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        results(tmp_path, **options)


def test_classes_that_cityscapes_does_not_have(tmp_path):
    with pytest.raises(ConfigError, match="class 'lake' has no Cityscapes id"):
        Results('out', ('road', 'lake'), PALETTE[:2], label_ids='cityscapes')
