import cv2
import numpy as np
import pytest
import tiny_training
import torch
from mmcv import Config
from mmseg.datasets import CityscapesDataset

import mmseg_ssr
from mmseg_ssr.deploy.model_file import classes_of, read_model
from mmseg_ssr.deploy.predictor import read_image
from mmseg_ssr.engine.build import build_test_dataset, build_test_model
from mmseg_ssr.engine.checkpoint.files import read_checkpoint, write_checkpoint
from mmseg_ssr.engine.checkpoint.weights import load_weights
from mmseg_ssr.engine.testing.evaluate import run_test
from mmseg_ssr.errors import CheckpointError, ConfigError, DataError, MissingFile


@pytest.fixture(scope='module')
def predictor(untrained):
    return mmseg_ssr.load(untrained, device='cpu')


@pytest.fixture
def photo(tmp_path):
    """A real photograph that matplotlib carries, a man before a flag; its path."""
    cbook = pytest.importorskip('matplotlib.cbook')
    return str(cbook.get_sample_data('grace_hopper.jpg', asfileobj=False))


@pytest.mark.parametrize('mode', ['whole', 'slide'])
def test_predictions_are_those_of_the_test(data, untrained, mode):
    cfg = Config(tiny_training.method_config(data))
    if mode == 'slide':
        cfg.merge_from_dict(dict(model=dict(test_cfg=dict(
            mode='slide', crop_size=(32, 32), stride=(16, 16)))))
    dataset, network = build_test_dataset(cfg), build_test_model(cfg)
    load_weights(network, untrained)
    expected = run_test(network, dataset, torch.device('cpu'), evaluate=False)
    predictor = mmseg_ssr.load(untrained, device='cpu', config=tiny_training.write_config(
        data / f'{mode}.py', dict(cfg._cfg_dict)), mode=mode)
    assert len({*np.unique(expected[0])}) > 2
    for info, label in zip(dataset.img_infos, expected):
        found = predictor.predict(f'{dataset.img_dir}/{info["filename"]}')
        np.testing.assert_array_equal(found.label, label)


@pytest.mark.parametrize('size', [(32, 64), (201, 77), (5, 300), (1, 1)])
def test_any_size(predictor, size):
    found = predictor.predict(np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8))
    assert found.label.shape == found.confidence.shape == size
    assert found.label.dtype == np.uint8 and found.label.max() < 19
    assert found.confidence.dtype == np.float32
    assert found.confidence.min() > 1 / 19 - 1e-6 and found.confidence.max() <= 1


def test_a_photograph(predictor, photo):
    found = predictor.predict(photo)
    assert found.image.shape == (*found.label.shape, 3) and len(np.unique(found.label)) > 1
    assert found.image[20, 20, 0] > 0  # the top left is not black
    painted = found.overlay(0.25).astype(float)
    colors = np.array(found.palette)[found.label]
    np.testing.assert_allclose(painted, 0.75 * found.image + 0.25 * colors, atol=1)


def test_file_rgb_array_and_gray_array_are_one_image(predictor, tmp_path):
    gray = np.random.default_rng(1).integers(0, 256, (40, 60), np.uint8)
    color = np.stack([gray, 255 - gray, gray // 2], axis=2)
    cv2.imwrite(str(tmp_path / 'a.png'), color[..., ::-1])
    np.testing.assert_array_equal(read_image(tmp_path / 'a.png'), color)
    np.testing.assert_array_equal(predictor.predict(tmp_path / 'a.png').confidence,
                                  predictor.predict(color).confidence)
    np.testing.assert_array_equal(predictor.predict(np.stack([gray] * 3, axis=2)).confidence,
                                  predictor.predict(gray).confidence)


def test_an_image_that_would_have_no_pixel_left(predictor):
    with pytest.raises(DataError, match='resizing an image of 400 x 2 pixels would leave nothing'):
        predictor.predict(np.zeros((2, 400), np.uint8))


@pytest.mark.parametrize('image', [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8),
                                   np.zeros((0, 4), np.uint8), None])
def test_what_is_no_image(predictor, image):
    with pytest.raises(DataError, match='an image must be a file name or an array'):
        predictor.predict(image)


def test_files_that_are_no_images(tmp_path):
    with pytest.raises(MissingFile, match='a.png is missing'):
        read_image(tmp_path / 'a.png')
    for content in (b'', b'\x89PNG\r\n'):
        (tmp_path / 'a.png').write_bytes(content)
        with pytest.raises(DataError, match='a.png does not decode'):
            read_image(tmp_path / 'a.png')
    with pytest.raises(DataError, match='is a folder, expected a file'):
        read_image(tmp_path)


def test_options_reach_the_network(untrained):
    predictor = mmseg_ssr.load(untrained, device='cpu', amp='bfloat16', batched_slide=2)
    network = predictor.network
    assert network.test_cfg['amp'] == dict(dtype='bfloat16')
    assert network.test_cfg['batched_slide'] == 2
    assert 'encode_decode' in vars(network)  # which casts


def test_the_teacher(data, untrained, tmp_path):
    content = read_checkpoint(untrained)
    teacher = {name: value.clone() for name, value in content['state_dict'].items()}
    teacher['decode_head.conv_seg.bias'][4] = 1e4
    content['training_state'] = dict(teachers=[dict(network=teacher)])
    write_checkpoint(content, str(tmp_path / 'both.pth'))
    image = np.zeros((32, 64, 3), np.uint8)
    found = {role: mmseg_ssr.load(tmp_path / 'both.pth', device='cpu', weights=role)
             .predict(image).label for role in ('student', 'teacher')}
    assert (found['teacher'] == 4).all() and (found['student'] != 4).any()


def test_no_sam_and_no_teacher_are_built(data, tmp_path):
    sections = tiny_training.ssr_config(data)
    sections['uda']['regularizer']['encoder']['checkpoint'] = 'pretrained/missing.pth'
    path = tiny_training.untrained_checkpoint(tmp_path / 'ssr.pth', sections)
    assert type(mmseg_ssr.load(path, device='cpu').network).__name__ == 'EncoderDecoder'


def test_a_file_of_weights_alone_needs_a_config(data, untrained, tmp_path, config_file):
    write_checkpoint(dict(state_dict=read_checkpoint(untrained)['state_dict']),
                     str(tmp_path / 'bare.pth'))
    with pytest.raises(CheckpointError, match='bare.pth holds no config.*--config FILE'):
        mmseg_ssr.load(tmp_path / 'bare.pth')
    predictor = mmseg_ssr.load(tmp_path / 'bare.pth', device='cpu',
                               config=config_file(tiny_training.method_config(data)))
    assert predictor.classes == CityscapesDataset.CLASSES  # of the data set of data.test
    assert predictor.palette == CityscapesDataset.PALETTE


def test_classes_without_names_get_numbers_and_colors(untrained):
    model = read_model(untrained)
    model.content['meta'] = dict(CLASSES=('a', 'b'))  # of another number
    del model.cfg._cfg_dict['data']
    network = build_test_model(model.cfg)
    names, palette = classes_of(model, network)
    assert names[:2] == ('class 0', 'class 1') and len(set(map(tuple, palette))) == 19


@pytest.mark.parametrize('text, message', [
    ('import os', 'no plain value and could run code'),
    ("custom_imports = dict(imports=['no_such_module'])", 'the config in .* cannot be read'),
    ('a = 1', 'no model = dict'),
])
def test_configs_that_do_not_do(untrained, tmp_path, text, message):
    content = read_checkpoint(untrained)
    content['meta']['config'] = text
    write_checkpoint(content, str(tmp_path / 'x.pth'))
    with pytest.raises((CheckpointError, ConfigError), match=message):
        mmseg_ssr.load(tmp_path / 'x.pth')


@pytest.mark.parametrize('options, message', [
    (dict(mode='slid'), "did you mean 'slide'"),
    (dict(mode='slide'), 'needs the size of the windows'),
    (dict(scale='big'), 'scale must be None'),
    (dict(scale=512), 'scale must be None'),
    (dict(device='nowhere'), 'no such device'),
])
def test_wrong_options(untrained, options, message):
    with pytest.raises(ConfigError, match=message):
        mmseg_ssr.load(untrained, **dict(dict(device='cpu'), **options))


def test_a_config_with_a_test_pipeline_and_no_data(data, untrained, config_file):
    sections = tiny_training.method_config(data)
    sections['test_pipeline'] = sections.pop('data')['test']['pipeline']
    with pytest.raises(ConfigError, match='needs the size of the windows'):
        mmseg_ssr.load(untrained, config_file(sections), device='cpu', mode='slide')
    config = config_file(dict(sections, crop_size=(32, 32)), 'crop.py')
    predictor = mmseg_ssr.load(untrained, config, device='cpu', mode='slide')
    assert predictor.network.test_cfg.stride == (16, 16)
    assert predictor.predict(np.zeros((32, 64, 3), np.uint8)).label.shape == (32, 64)
