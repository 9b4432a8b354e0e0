"""The data of VFM-UDA++: several sources and targets, and several sets to score on."""
import numpy as np
import pytest
import tiny_training
import torch

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.datasets.several_sets import SeveralSets, build_scored
from mmseg_ssr.engine.config.values import dataset_configs, steps_of
from mmseg_ssr.engine.testing.evaluate import scores
from mmseg_ssr.engine.testing.labeled_images import LabeledImages
from mmseg_ssr.labels.confusion import confusion_matrix

#: Data section -> images of the source, of the target, of data.val and of each set of data.test.
SECTIONS = {
    'uda_gtaHR_to_cityscapesHR_1024x1024_vfmudapp': (2, 2, 1, [1, 1]),
    'uda_synthiaHR_to_cityscapesHR_1024x1024_vfmudapp': (2, 2, 1, [1, 1]),
    'uda_cityscapesHR_to_darkzurichHR_1024x1024_vfmudapp': (2, 4, 1, [1, 1]),
    'uda_synth_to_real_1024x1024_vfmudapp': (6, 18, 9, [1, 1, 1, 1, 4, 1]),
}
ALL_TO_ALL = 'uda_synth_to_real_1024x1024_vfmudapp'


@pytest.fixture(params=SECTIONS)
def name(request):
    return request.param


def test_sections_load(layouts, name):
    cfg = tiny_training.benchmark_data(layouts, name)
    pairs = build_dataset(cfg.data.train, need_labels=False)
    val, test = build_scored(cfg.data.val), build_scored(cfg.data.test)
    assert (len(pairs.source), len(pairs.target), len(val),
            [len(part) for part in test.datasets]) == SECTIONS[name]
    for i in range(3):
        sample = pairs[i]
        assert sample['img'].data.shape == sample['target_img'].data.shape == (3, 64, 64)
        mask = sample['valid_pseudo_mask'].data
        assert mask.shape == (1, 64, 64) and not mask.all()
        assert set(sample['gt_semantic_seg'].data.unique().tolist()) <= {*range(19), 255}


def test_a_stream_takes_all_sets(layouts):
    cfg = tiny_training.benchmark_data(layouts, ALL_TO_ALL)
    cfg.data.train.rare_class_sampling.min_crop_ratio = 0.
    pairs = build_dataset(cfg.data.train, need_labels=False)
    samples = [pairs[i] for i in range(60)]
    sources, targets = ([sample[key].data['filename'] for sample in samples]
                        for key in ('img_metas', 'target_img_metas'))
    assert {file.split(f'{layouts}/')[1].split('/')[0] for file in sources} == {
        'gta', 'synthia', 'synscapes'}
    assert {file.split(f'{layouts}/')[1].split('/')[0] for file in targets} == {
        'cityscapes', 'bdd100k', 'mapillary', 'acdc', 'dark_zurich'}
    assert {part for part in ('night', 'twilight', 'day')
            if any(f'dark_zurich/rgb_anon/train/{part}' in file for file in targets)} == {
        'night', 'twilight', 'day'}
    heights = [sample['img_metas'].data['img_shape'][0] for sample in samples]
    assert min(heights) < 64 == max(heights)  # smaller ones are padded


def perfect(dataset):
    """Results of predictions that are right, but road where nothing is labeled."""
    labeled = LabeledImages(dataset)
    found = []
    for i in range(len(labeled)):
        item = labeled[i]
        meta = item['batch']['img_metas'][0].data
        assert tuple(item['label'].shape) == meta['ori_shape'][:2] == meta['img_shape'][:2]
        assert min(meta['ori_shape'][:2]) == 64
        label = item['label'].long()
        found.append(confusion_matrix(label.where(label != 255, torch.tensor(0)), label, 19, 255))
    return found


def test_each_set_has_a_score_at_a_short_side_of_1024(layouts, name):
    cfg = tiny_training.benchmark_data(layouts, name)
    dataset = build_scored(cfg.data.test)
    assert isinstance(dataset, SeveralSets)
    values = scores(dataset, perfect(dataset), logger='silent')
    count = len(SECTIONS[name][3])
    assert [values[f'{i}_mIoU'] for i in range(count)] == [1.] * count
    if 'synthia' in name:
        assert {'0_mIoU16', '1_mIoU16', '0_mIoU13'} <= set(values)
    if name == ALL_TO_ALL:
        assert {'4_mIoU.fog', '4_mIoU.night'} <= set(values)


def test_published_settings(name):
    cfg = tiny_training.Config.fromfile(
        str(tiny_training.ROOT / f'configs/_base_/datasets/{name}.py'))
    assert dict(cfg.data.train.rare_class_sampling) == dict(
        min_pixels=3000, class_temp=0.05, min_crop_ratio=2., max_redraws=20, cat_max_ratio=0.75,
        keep_scale=True, per_source=True)
    for path, dataset in dataset_configs(cfg):
        steps = [step for _, step in steps_of(dataset.pipeline)]
        types = [step['type'] for step in steps]
        short = 1440 if dataset.type == 'GTADataset' else 1024
        if 'train' in path:
            resize = steps[types.index('AntialiasedResize')]
            assert resize == dict(type='AntialiasedResize', img_scale=(4096, short),
                                  ratio_range=(0.9, 1.1))
            assert types.index('Pad') < types.index('Normalize')  # so that padding is black
            assert steps[types.index('RandomCrop')] == dict(
                type='RandomCrop', crop_size=(1024, 1024))
            assert 'PhotoMetricDistortion' not in types
        else:
            assert steps[1] == dict(type='ResizeForScore', img_scale=(4096, 1024))
        if '.target' in path:
            assert dataset.crop_pseudo_margins == [0.03, 0.25, 0.03, 0.03]
            assert 'ann_dir' not in dataset
    assert cfg.data.samples_per_gpu == 8


def test_sources_and_targets_are_those_of_the_paper():
    cfg = tiny_training.Config.fromfile(
        str(tiny_training.ROOT / f'configs/_base_/datasets/{ALL_TO_ALL}.py'))
    assert [one.type for one in cfg.data.train.source] == [
        'GTADataset', 'SynthiaDataset', 'SynscapesDataset']
    assert [one.type for one in cfg.data.train.target] == [
        'CityscapesDataset', 'BDD100KDataset', 'MapillaryDataset', 'ACDCDataset',
        'DarkZurichDataset']
    assert [one.type for one in cfg.data.test] == [
        'CityscapesDataset', 'BDD100KDataset', 'MapillaryDataset', 'WildDashDataset',
        'ACDCDataset', 'DarkZurichDataset']
    assert np.all([one.img_dir != two.img_dir or one.data_root != two.data_root
                   for one in cfg.data.train.source for two in cfg.data.train.target])
