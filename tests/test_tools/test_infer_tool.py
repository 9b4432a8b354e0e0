"""tools/infer.py on photographs, videos and what is neither."""
import os
import re

import cv2
import numpy as np
import pytest
from PIL import Image

import mmseg_ssr

TOOL = 'predict'


@pytest.fixture
def photos(tmp_path):
    """A folder with two photographs that matplotlib carries, one in a folder of its own."""
    cbook = pytest.importorskip('matplotlib.cbook')
    path = cbook.get_sample_data('grace_hopper.jpg', asfileobj=False)
    image = cv2.imread(str(path))
    (tmp_path / 'photos/more').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'photos/hopper.jpg'), image[::3, ::3])
    cv2.imwrite(str(tmp_path / 'photos/more/turned.png'), np.rot90(image)[::4, ::4])
    return tmp_path / 'photos'


@pytest.fixture
def clip(tmp_path):
    path = str(tmp_path / 'clip.mp4')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'), 10, (64, 48))
    assert writer.isOpened()
    for i in range(4):
        writer.write(np.full((48, 64, 3), 60 * i, np.uint8))
    writer.release()
    return path


def infer(tool, capsys, *arguments):
    """(standard output, standard error) of the command."""
    tool(TOOL).main([*map(str, arguments), '--device', 'cpu'])
    captured = capsys.readouterr()
    return captured.out, captured.err


def files(folder):
    return sorted(os.path.relpath(os.path.join(parent, name), folder)
                  for parent, _, names in os.walk(folder) for name in names)


def test_folder_and_video(tool, capsys, untrained, photos, clip, tmp_path):
    out = tmp_path / 'out'
    said, bar = infer(tool, capsys, untrained, photos, clip, '--out', out, '--label-ids',
                      'cityscapes')
    frames = [f'clip/00000{i}.png' for i in range(1, 5)]
    assert files(out) == sorted([
        'legend.png', 'overlay/hopper.png', 'overlay/more/turned.png', 'overlay/clip.mp4',
        *(f'{kind}/{name}' for kind in ('label', 'confidence')
          for name in ('hopper.png', 'more/turned.png', *frames))])
    assert re.match(r'6 images in [\d.]+ s \([\d.]+ images/s\), results in ', said)
    assert '6/6' in bar and 'images/s' in bar
    found = mmseg_ssr.load(untrained, device='cpu').predict(photos / 'hopper.jpg')
    with Image.open(out / 'label/hopper.png') as label:
        ids = np.array(label)
    assert ids.shape == found.label.shape and ids.min() >= 7  # road
    assert len(np.unique(ids)) == len(np.unique(found.label)) > 1
    confidence = cv2.imread(str(out / 'confidence/hopper.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_allclose(confidence / 255, found.confidence, atol=0.002)
    overlay = cv2.imread(str(out / 'overlay/hopper.png'))[..., ::-1]
    np.testing.assert_array_equal(overlay, found.overlay(0.5))


def test_a_damaged_video_is_named_and_what_was_read_is_kept(fails, untrained, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / 'cut.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10,
                             (64, 48))
    for _ in range(6):
        writer.write(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
    writer.release()
    os.truncate(tmp_path / 'cut.avi', os.path.getsize(tmp_path / 'cut.avi') * 6 // 10)
    line = fails(TOOL, untrained, tmp_path / 'cut.avi', '--out', tmp_path / 'out', '--save',
                 'label', '--device', 'cpu')
    assert 'cut.avi is damaged: 3 of its 6 frames can be read' in line
    assert files(tmp_path / 'out') == [*(f'label/cut/00000{i}.png' for i in (1, 2, 3)),
                                       'legend.png']


@pytest.mark.parametrize('out', ['out', '.', '..'])
def test_a_run_can_be_repeated_inside_the_folder_of_its_inputs(tool, capsys, untrained, photos,
                                                               out):
    arguments = (untrained, photos, '--out', photos / out, '--save', 'label')
    first, _ = infer(tool, capsys, *arguments)
    second, _ = infer(tool, capsys, *arguments)
    assert first.startswith('2 images') and second.startswith('2 images')


@pytest.mark.parametrize('name', ['legend.png', 'label/hopper.png'])
def test_a_file_of_the_user_is_never_written_over(fails, untrained, photos, name):
    (photos / name).parent.mkdir(exist_ok=True)
    cv2.imwrite(str(photos / name), np.zeros((32, 32, 3), np.uint8))
    before = files(photos), (photos / name).read_bytes()
    line = fails(TOOL, untrained, photos, '--out', photos, '--device', 'cpu')
    assert 'would be written over the input' in line and f'{name}: choose another' in line
    assert before == (files(photos), (photos / name).read_bytes())


def test_a_run_without_a_result_leaves_nothing(fails, untrained, photos):
    for path in (photos / 'hopper.jpg', photos / 'more/turned.png'):
        path.write_bytes(b'nothing')
    fails(TOOL, untrained, photos, '--out', photos, '--device', 'cpu')
    assert files(photos) == ['hopper.jpg', 'more/turned.png']


def test_options(tool, capsys, untrained, photos, clip, tmp_path):
    said, _ = infer(tool, capsys, untrained, f'{photos}/*.jpg', clip, '--frames', 2, '--scale',
                    '96x96', '--save', 'label', '--out', tmp_path / 'out')
    assert said.startswith('3 images')
    found = mmseg_ssr.load(untrained, device='cpu', scale=(96, 96)).predict(photos / 'hopper.jpg')
    with Image.open(tmp_path / 'out/label/hopper.png') as label:
        np.testing.assert_array_equal(np.array(label), found.label)


def test_a_damaged_image_does_not_stop_the_others(tool, fails, untrained, photos, tmp_path):
    (photos / 'bad.jpg').write_bytes(b'nothing')
    line = fails(TOOL, untrained, photos, '--out', tmp_path / 'out', '--device', 'cpu')
    assert '1 of 3 inputs are not (all) predicted' in line and 'bad.jpg does not decode' in line
    assert len(os.listdir(tmp_path / 'out/label')) == 2  # hopper.png and more/


def test_an_image_that_the_network_fails_on_is_named(tool, fails, untrained, photos, tmp_path,
                                                      monkeypatch):
    def fail(*arguments):
        raise RuntimeError('out of memory')
    monkeypatch.setattr('mmseg_ssr.deploy.predictor.decide', fail)
    line = fails(TOOL, untrained, photos / 'hopper.jpg', '--out', tmp_path / 'out')
    assert re.search(r'hopper.jpg, 171 x 200 pixels, cannot be predicted: out of memory', line)


@pytest.mark.parametrize('arguments, message', [
    (['missing.jpg'], 'input missing.jpg is missing'),
    (['a.png', '--frames', '0'], '--frames must be at least 1'),
    (['a.png', '--frames', '2'], '--frames is for videos and cameras'),
    (['a.png', '--opacity', '2'], 'opacity must be in'),
    (['a.png', '--device', 'nowhere'], 'there is no such device'),
    (['a.png', '--mode', 'slide'], 'needs the size of the windows'),
    (['a.png', 'a/a.png'], 'would both have results of the name a'),
])
def test_wrong_arguments(fails, untrained, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'a').mkdir()
    for name in ('a.png', 'a/a.png'):
        cv2.imwrite(name, np.zeros((32, 32, 3), np.uint8))
    assert message in fails(TOOL, untrained, *arguments, '--out', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('scale', ['big', '10', '0x5', 'axb'])
def test_wrong_scale(tool, capsys, scale):
    with pytest.raises(SystemExit):
        tool(TOOL).main(['x.pth', 'a.png', '--out', 'out', '--scale', scale])
    assert 'expected LONGxSHORT, as 1024x512, or original' in capsys.readouterr().err
