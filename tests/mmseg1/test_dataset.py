"""The pairs of mmseg 1.x: what they hold, that they repeat, and what they refuse."""
import copy
import pickle

import numpy as np
import pytest
import tiny_mmseg1
import torch
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS, TRANSFORMS
from PIL import Image

from mmseg_ssr.errors import ConfigError, DataError, MissingFile


def pairs(data, **options):
    return DATASETS.build(copy.deepcopy(tiny_mmseg1.pairs(data, **options)))


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(tensors(one), tensors(other)))


def tensors(sample):
    return [sample['inputs'], sample['data_samples'].gt_sem_seg.data, sample['target']['inputs']]


def test_an_item_is_a_function_of_seed_and_position(data):
    dataset, again, other = pairs(data), pairs(data), pairs(data, seed=1)
    torch.manual_seed(5)
    first = dataset[3]
    dataset[1]
    np.random.seed(0)
    assert same(first, dataset[3]) and same(first, again[3]) and not same(first, other[3])
    assert not same(first, dataset[4]) and len(dataset) == 64
    assert same(first, pickle.loads(pickle.dumps(dataset))[3])  # as a loader's process gets it


def test_samples_are_what_mmseg_makes_batches_of(data):
    sample = pairs(data)[0]
    assert sample['inputs'].dtype == torch.uint8 and sample['inputs'].shape == (3, 32, 32)
    assert 'gt_sem_seg' not in sample['target']['data_samples']
    batch = pseudo_collate([sample, pairs(data)[1]])
    assert len(batch['inputs']) == len(batch['target']['data_samples']) == 2


def test_rare_classes_are_in_the_drawn_crops(data):
    dataset = pairs(data)
    held = [int((dataset[i]['data_samples'].gt_sem_seg.data == dataset.pairs.drawn(i)[0]).sum())
            for i in range(12)]
    assert sum(count > 8 for count in held) >= 8
    assert (data / 'gta' / 'sample_class_stats.json').exists()


def test_without_rare_classes_every_image_comes_once_in_an_epoch(data):
    dataset = pairs(data, rare_class_sampling=None)
    names = [dataset[i]['data_samples'].img_path for i in range(6)]
    assert len(set(names)) == 6


def test_margins_are_cut_with_the_image_and_reach_the_step(data):
    target = tiny_mmseg1.cityscapes(data, 'train', tiny_mmseg1.steps(labels=False))
    target['crop_pseudo_margins'] = [0, 20, 0, 0]  # of 32 rows
    dataset = pairs(data, target=target)
    batch = pseudo_collate([dataset[0], dataset[1]])
    mask = batch['target']['data_samples'][0].valid_pseudo_mask.data
    assert mask.shape == (1, 32, 32) and mask.dtype == torch.uint8
    assert mask[:, :12].all() and not mask[:, 12:].any()
    made = MODELS.build(tiny_mmseg1.method()).batch(batch)
    assert made.valid_mask.shape == (2, 1, 32, 32) and torch.equal(made.valid_mask[0], mask)
    assert made.img.dtype == torch.float32 and made.label.shape == (2, 1, 32, 32)
    assert made.mean.flatten().tolist() == pytest.approx(tiny_mmseg1.MEAN)


def test_padding_has_no_valid_pseudo_labels(data):
    small = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(32, 16)),
             dict(type='PackSegInputs')]
    target = dict(tiny_mmseg1.cityscapes(data, 'train', small), crop_pseudo_margins=[0, 0, 0, 0])
    batch = pseudo_collate([pairs(data, target=target)[0]])
    made = MODELS.build(tiny_mmseg1.method()).batch(batch)
    assert made.valid_mask[:, :, :16].all() and not made.valid_mask[:, :, 16:].any()


def test_synchronized_crops_show_one_place(data):
    target = tiny_mmseg1.cityscapes(data, 'train', [
        dict(type='LoadImageFromFile'), dict(type='PackSegInputs')])
    source = dict(tiny_mmseg1.gta(data), pipeline=[
        dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')])
    target['crop_pseudo_margins'] = [4, 4, 4, 4]
    options = dict(source=source, target=target, rare_class_sampling=None)
    whole, cut = pairs(data, **options)[2], pairs(data, sync_crop_size=(16, 24), **options)[2]
    places = [(y, x) for y in range(17) for x in range(41)
              if torch.equal(whole['inputs'][:, y:y + 16, x:x + 24], cut['inputs'])]
    (y, x), = places
    mask = whole['target']['data_samples'].valid_pseudo_mask.data
    assert torch.equal(cut['target']['data_samples'].valid_pseudo_mask.data,
                       mask[:, y:y + 16, x:x + 24])
    assert cut['data_samples'].img_shape == (16, 24)
    with pytest.raises(ConfigError, match='sync_crop_size .100, 100. needs'):
        pairs(data, sync_crop_size=(100, 100), **options)[0]


@pytest.mark.parametrize('options, error, message', [
    (dict(rare_class_sampling=dict(min_pixel=3)), ConfigError, "no key 'min_pixel'.*min_pixels"),
    (dict(seed=-1), ConfigError, 'seed must be an integer of at least 0'),
    (dict(target=dict(type='FolderDataset', classes=['road'])), ConfigError, 'source has 19 cla'),
])
def test_wrong_options(data, options, error, message):
    if 'target' in options:
        options = dict(target=dict(
            options['target'], data_root=f'{data}/cityscapes', pipeline=tiny_mmseg1.steps(False),
            data_prefix=dict(img_path='leftImg8bit/train')))
    with pytest.raises(error, match=message):
        pairs(data, **options)


def test_missing_data_is_named_with_its_source(data):
    source = dict(tiny_mmseg1.gta(data), data_root=f'{data}/nothing')
    with pytest.raises(MissingFile, match='image folder .*nothing/images of GTADataset is missing'):
        pairs(data, source=source)
    source = dict(tiny_mmseg1.gta(data), seg_map_suffix='_none.png')
    with pytest.raises(MissingFile, match='6 of 6 labels .* mmseg-ssr convert gta'):
        pairs(data, source=source)


def test_a_label_with_a_strange_id_is_named(data, tmp_path):
    for folder in ('images', 'labels'):
        (tmp_path / folder).mkdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / 'images/1.png')
    Image.fromarray(np.full((32, 32), 77, np.uint8)).save(tmp_path / 'labels/1_labelTrainIds.png')
    source = dict(tiny_mmseg1.gta(data), data_root=str(tmp_path))
    with pytest.raises(DataError, match='1_labelTrainIds.png holds id 77'):
        pairs(data, source=source, rare_class_sampling=None)[0]


def test_own_folders_are_read_by_their_class_table(tmp_path):
    for folder in ('images', 'labels'):
        (tmp_path / folder).mkdir()
    ids = np.repeat([[7, 11, 0, 7]], 4, axis=0).astype(np.uint8)
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / 'images/A.JPG')
    Image.fromarray(ids).save(tmp_path / 'labels/A.png')
    dataset = DATASETS.build(dict(
        type='FolderDataset', data_root=str(tmp_path), ignore='rest', pipeline=[
            dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
            dict(type='PackSegInputs')],
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        classes=[dict(name='ground', ids=[7]), dict(name='house', ids=[11])]))
    assert dataset.metainfo['classes'] == ('ground', 'house')
    label = dataset[0]['data_samples'].gt_sem_seg.data
    assert label[0, 0].tolist() == [0, 1, 255, 0]


def test_margins_that_leave_nothing():
    step = TRANSFORMS.build(dict(type='PseudoMargins', margins=[5, 5, 0, 0]))
    with pytest.raises(DataError, match='leave nothing of'):
        step(dict(img=np.zeros((8, 8, 3), np.uint8)))
    with pytest.raises(ConfigError, match='must be four pixel counts'):
        TRANSFORMS.build(dict(type='PseudoMargins', margins=[5, -1, 0, 0]))
