"""Maps of whole images, cut as the images are."""
import numpy as np
import pytest
import torch
from mmseg.datasets.pipelines import Compose

from mmseg_ssr.datasets.pipelines.encoder_maps import CutEncoderMap, cells, map_file, with_maps
from mmseg_ssr.errors import ConfigError, DataError, MissingFile

SIZE = (128, 64)  # width, height


@pytest.fixture
def folder(tmp_path):
    """The map of one image: the place of each of its 16 x 8 cells in the image, x and y."""
    x, y = np.meshgrid(np.arange(16) * 8 + 3.5, np.arange(8) * 8 + 3.5)
    path = map_file(str(tmp_path), 'city/a.png')
    (tmp_path / 'city').mkdir()
    np.save(path, np.stack([x, y]).astype(np.float16))
    return str(tmp_path)


def cut(folder, *steps):
    """The map, and the image whose pixels hold their places in the whole image, after steps."""
    config = with_maps(dict(encoder_maps=folder, pipeline=[
        dict(type='LoadImageFromFile'), *steps, dict(type='Collect', keys=['img'])]))
    assert 'encoder_maps' not in config and config['pipeline'][-1]['keys'] == ['img', 'encoder_map']
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    results = dict(img=np.stack([x, y, 0 * x], axis=2).astype(np.float32), seg_fields=[],
                   img_fields=['img'], img_info=dict(filename='city/a.png'),
                   gt_semantic_seg=np.zeros(SIZE[::-1], np.uint8))
    results.update(img_shape=results['img'].shape, pad_shape=results['img'].shape)
    results = Compose(config['pipeline'][1:-1])(results)
    return results['encoder_map'].data, torch.from_numpy(results['img'][..., :2].copy())


def means(img):
    return img.reshape(img.shape[0] // 8, 8, img.shape[1] // 8, 8, 2).mean((1, 3)).permute(2, 0, 1)


def test_a_map_is_cut_and_flipped_as_the_image(folder):
    found, img = cut(folder, dict(type='RandomCrop', crop_size=(32, 48)),
                     dict(type='RandomFlip', prob=1.))
    assert found.shape == (2, 4, 6) and img[0, 0, 0] > img[0, -1, 0]
    inside = means(img)
    border = (inside[0] < 3.5) | (inside[0] > 123.5) | (inside[1] < 3.5) | (inside[1] > 59.5)
    assert (found - inside)[:, ~border].abs().max() < 0.05


def test_an_image_of_twice_the_size_has_a_map_of_twice_the_cells(folder):
    found, _ = cut(folder, dict(type='Resize', img_scale=(256, 128)))
    assert found.shape == (2, 16, 32)
    assert (found[0, :, 1:-1] - (torch.arange(1, 31) * 4 + 1.5)).abs().max() < 0.6


def test_the_map_is_zero_in_padding(folder):
    found, _ = cut(folder, dict(type='Pad', size=(80, 144), pad_val=0, seg_pad_val=255))
    assert found.shape == (2, 10, 18) and (found[:, :8, :16] > 0).all()
    assert (found[:, 8:] == 0).all() and (found[:, :, 16:] == 0).all()


def test_sides_that_are_no_multiples_of_a_cell():
    with pytest.raises(ConfigError, match='sides are multiples of 8, got 12 x 16 pixels'):
        cells(np.zeros((16, 12, 2)))


@pytest.mark.parametrize('steps', [[dict(type='Collect', keys=['img'])],
                                   [dict(type='LoadImageFromFile')]])
def test_a_pipeline_without_a_place_for_maps(steps):
    with pytest.raises(ConfigError, match='encoder_maps needs a pipeline that loads an image'):
        with_maps(dict(encoder_maps='maps', pipeline=steps))


def test_data_sets_without_maps_stay_as_they_are():
    steps = [dict(type='LoadImageFromFile')]
    assert with_maps(dict(pipeline=steps)) == dict(pipeline=steps)
    assert with_maps(dict(dataset=dict(encoder_maps=None), times=2)) == dict(dataset={}, times=2)


def test_missing_and_damaged_maps(folder, tmp_path):
    with pytest.raises(MissingFile, match='b.npy, the map of b.png, is missing: .* encoder-maps'):
        CutEncoderMap(folder)._read('b.png')
    np.save(tmp_path / 'c.npy', np.zeros((8, 8)))
    with pytest.raises(DataError, match='c.npy is no map .*2 dimensions, not 3'):
        CutEncoderMap(tmp_path)._read('c.png')
    (tmp_path / 'b.npy').write_bytes(b'no map')
    with pytest.raises(DataError, match='b.npy is no map .*: remove it'):
        CutEncoderMap(folder)._read('b.png')
