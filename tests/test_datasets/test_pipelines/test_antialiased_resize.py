import numpy as np
import pytest
import torch
from mmseg.datasets.pipelines import Compose
from PIL import Image
from tiny_data import NORMALIZE, cityscapes_config, write_ids

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.datasets.pipelines import AntialiasedResize, ResizeForScore
from mmseg_ssr.engine.testing.labeled_images import LabeledImages
from mmseg_ssr.errors import ConfigError


def loaded(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return dict(img=rng.integers(0, 256, (height, width, 3), dtype=np.uint8), img_fields=['img'],
                seg_fields=['gt_semantic_seg'],
                gt_semantic_seg=rng.integers(0, 19, (height, width), dtype=np.uint8))


@pytest.mark.parametrize('size, short, expected', [
    ((30, 40), 20, (20, 27)), ((40, 30), 20, (27, 20)), ((30, 40), 60, (60, 80)),
    ((1052, 1914), 1440, (1440, 2620)), ((1046, 1914), 1440, (1440, 2635))])
def test_the_short_side_decides(size, short, expected):
    assert AntialiasedResize.size(size, (4096, short)) == expected


def test_a_panorama_fits_by_its_long_side():
    assert AntialiasedResize.size((100, 1000), (500, 400)) == (50, 500)


def test_the_image_is_pillows_and_the_label_the_nearest():
    given = loaded(60, 80)
    results = AntialiasedResize((4096, 20))(dict(given))
    image, label = (Image.fromarray(given[key]) for key in ('img', 'gt_semantic_seg'))
    np.testing.assert_array_equal(results['img'], image.resize((27, 20), Image.BILINEAR))
    np.testing.assert_array_equal(results['gt_semantic_seg'],
                                  label.resize((27, 20), Image.NEAREST))
    assert results['img_shape'] == results['pad_shape'] == (20, 27, 3)
    np.testing.assert_allclose(results['scale_factor'], [27 / 80, 20 / 60] * 2, rtol=1e-6)


def test_a_fine_pattern_becomes_gray():
    """mmseg's resizing by a tenth looks at single pixels, so that stripes stay black or white."""
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    small = AntialiasedResize((4096, 20))(dict(img=stripes))['img']
    assert abs(small.astype(float) - 127.5).max() < 20


def test_scales_are_drawn_in_their_range_and_have_no_steps():
    np.random.seed(0)
    sides = [AntialiasedResize((4096, 100), (0.9, 1.1))(loaded(50, 100))['img'].shape[:2]
             for _ in range(60)]
    assert all(90 <= height <= 110 for height, _ in sides)
    assert min(sides)[0] < 94 and max(sides)[0] > 106
    assert any(width != 2 * height for height, width in sides)


def test_a_smaller_label_gets_the_size_of_its_image():
    given = dict(loaded(20, 40), gt_semantic_seg=np.kron(
        np.arange(8, dtype=np.uint8).reshape(2, 4), np.ones((5, 5), np.uint8)))
    label = AntialiasedResize((4096, 40))(given)['gt_semantic_seg']
    np.testing.assert_array_equal(label, np.kron(np.arange(8).reshape(2, 4), np.ones((20, 20))))


def scored_steps(short):
    inner = [dict(type='AntialiasedResize'), dict(type='RandomFlip'), dict(NORMALIZE),
             dict(type='ImageToTensor', keys=['img']), dict(type='Collect', keys=['img'])]
    return [dict(type='LoadImageFromFile'), dict(type='ResizeForScore', img_scale=(4096, short)),
            dict(type='MultiScaleFlipAug', img_scale=(4096, short), flip=False, transforms=inner)]


def test_labels_are_scored_in_the_size_of_the_prediction(cityscapes):
    dataset = build_dataset(cityscapes_config(
        cityscapes, 'val', pipeline=scored_steps(20)), test_mode=True)
    item = LabeledImages(dataset)[0]
    meta = item['batch']['img_metas'][0].data
    assert tuple(item['label'].shape) == meta['ori_shape'][:2] == (20, 40)
    assert item['batch']['img'][0].shape == (3, 20, 40)
    full = np.asarray(Image.open(f'{dataset.ann_dir}/{dataset.img_infos[0]["ann"]["seg_map"]}'))
    np.testing.assert_array_equal(item['label'], Image.fromarray(full).resize(
        (40, 20), Image.NEAREST))
    prediction = item['label'].numpy()
    results = dataset.pre_eval([prediction], [0])
    assert dataset.evaluate(results, metric='mIoU')['mIoU'] == 1


def test_without_the_step_labels_keep_their_size(cityscapes):
    steps = scored_steps(20)
    del steps[1]
    item = LabeledImages(build_dataset(cityscapes_config(cityscapes, 'val', pipeline=steps),
                                       test_mode=True))[0]
    assert item['label'].shape == (32, 64)
    assert item['batch']['img_metas'][0].data['ori_shape'] == (32, 64, 3)


def test_a_label_is_checked_before_it_is_resized(cityscapes):
    for label in (cityscapes / 'gtFine/val').rglob('*labelTrainIds.png'):
        write_ids(label, np.full((32, 64), 30))
    dataset = build_dataset(cityscapes_config(
        cityscapes, 'val', pipeline=scored_steps(20)), test_mode=True)
    with pytest.raises(Exception, match='holds id 30, expected 0..18'):
        LabeledImages(dataset)[0]


def test_the_size_of_a_score_is_needed():
    with pytest.raises(ConfigError, match='ResizeForScore needs img_scale'):
        ResizeForScore(None)


@pytest.mark.parametrize('options, message', [
    (dict(img_scale=64), 'img_scale must be two numbers above 0, .* got 64'),
    (dict(img_scale=(64, )), r'img_scale must be two numbers above 0, .* got \(64,\)'),
    (dict(img_scale=(64, 0)), r'img_scale must be .* got \(64, 0\)'),
    (dict(img_scale=[(8, 8), 64]), r'img_scale must be .* got \[\(8, 8\), 64\]'),
    (dict(img_scale=(8, 8), ratio_range=(1.1, )), r'ratio_range must be two .* got \(1.1,\)'),
    (dict(img_scale=(8, 8), ratio_range=(1.1, 0.9)), 'ratio_range must be two'),
    (dict(img_scale=(8, 8), ratio_range=0.9), 'ratio_range must be two')])
def test_bad_scales(options, message):
    with pytest.raises(ConfigError, match=f'AntialiasedResize: {message}'):
        AntialiasedResize(**options)


def test_a_step_without_a_scale_says_so():
    with pytest.raises(ConfigError, match='AntialiasedResize needs img_scale=.long side'):
        AntialiasedResize()(loaded(8, 8))
    assert AntialiasedResize()(dict(loaded(8, 8), scale=(4, 4)))['img'].shape == (4, 4, 3)


def test_padding_is_black_and_ignored():
    """Steps of VFM-UDA++: padded before the colors are normalized, so that padding is black."""
    steps = Compose([
        dict(type='AntialiasedResize', img_scale=(4096, 20)),
        dict(type='RandomCrop', crop_size=(32, 32)),
        dict(type='Pad', size=(32, 32), pad_val=0, seg_pad_val=255),
        dict(type='RandomFlip', prob=0.), dict(NORMALIZE),
        dict(type='DefaultFormatBundle')])
    sample = steps(loaded(40, 80))
    image, label = sample['img'].data, sample['gt_semantic_seg'].data[0]
    black = -torch.tensor(NORMALIZE['mean']) / torch.tensor(NORMALIZE['std'])
    torch.testing.assert_close(image[:, 20:], black.view(3, 1, 1).expand(3, 12, 32))
    assert (label[20:] == 255).all() and (label[:20] < 19).all()
