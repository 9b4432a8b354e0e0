import random
import shutil

import numpy as np
import pytest
import torch
from mmseg.datasets import ConcatDataset, build_dataloader
from mmseg.datasets import build_dataset as build_with_mmseg
from tiny_data import cityscapes_config, gta_config, training_steps, write_ids, write_image

from mmseg_ssr.datasets import GTADataset, UDADataset, build_dataset
from mmseg_ssr.errors import ConfigError, MissingFile
from mmseg_ssr.labels.published import convert_gta

RCS = dict(min_pixels=100, class_temp=0.01, min_crop_ratio=0.5)
TRAIN = 16


def with_distortion():
    steps = training_steps()
    return [*steps[:-4], dict(type='PhotoMetricDistortion'), *steps[-4:]]


def make(gta, cityscapes, source=None, target=None, **options):
    return UDADataset(gta_config(gta, **source or {}),
                      cityscapes_config(cityscapes, **target or {}), **options)


def same(first, second):
    assert first.keys() == second.keys()
    for key, value in first.items():
        if torch.is_tensor(value.data):
            assert torch.equal(value.data, second[key].data), key
        else:
            assert value.data['filename'] == second[key].data['filename']
            assert value.data['flip'] == second[key].data['flip']


def names(dataset, indices):
    samples = [dataset[i] for i in indices]
    return tuple([sample[key].data['ori_filename'] for sample in samples]
                 for key in ('img_metas', 'target_img_metas'))


def test_keys_shapes_and_attributes(gta, cityscapes):
    dataset = make(gta, cityscapes)
    sample = dataset[0]
    assert set(sample) == {'img', 'gt_semantic_seg', 'img_metas', 'target_img',
                           'target_img_metas'}
    assert sample['img'].data.shape == sample['target_img'].data.shape == (3, 24, 24)
    assert sample['gt_semantic_seg'].data.shape == (1, 24, 24)
    assert sample['gt_semantic_seg'].data.dtype == torch.int64
    assert 'gta' in sample['img_metas'].data['filename']
    assert 'leftImg8bit' in sample['target_img_metas'].data['filename']
    assert dataset.CLASSES == GTADataset.CLASSES and dataset.ignore_index == 255
    assert len(dataset.PALETTE) == 19
    assert len(dataset) == 6 and len(list(dataset)) == 6
    assert len(make(gta, cityscapes, length=40)) == 40


@pytest.mark.parametrize('rcs', [None, RCS])
def test_an_item_is_a_function_of_seed_and_position(gta, cityscapes, rcs):
    options = dict(source=dict(pipeline=with_distortion()), rare_class_sampling=rcs)
    dataset = make(gta, cityscapes, seed=5, **options)
    first = [dataset[i] for i in (0, 1, 12345)]
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    again = make(gta, cityscapes, seed=5, **options)
    for sample, i in reversed(list(zip(first, (0, 1, 12345)))):
        same(sample, again[np.int64(i)])
    other = make(gta, cityscapes, seed=6, **options)
    assert any(not torch.equal(other[i]['img'].data, s['img'].data)
               for s, i in zip(first, (0, 1, 12345)))


def test_the_global_generators_are_left_alone(gta, cityscapes):
    dataset = make(gta, cityscapes, rare_class_sampling=RCS)
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = random.random(), np.random.rand(), float(torch.rand(()))
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    dataset[3]
    assert (random.random(), np.random.rand(), float(torch.rand(()))) == expected


def test_workers_do_not_change_the_samples(gta, cityscapes):
    dataset = make(gta, cityscapes, rare_class_sampling=RCS)
    loaders = [build_dataloader(dataset, 2, workers, dist=False, shuffle=False, seed=workers,
                                persistent_workers=False) for workers in (0, 2)]
    for single, parallel in zip(*loaders):
        for key in ('img', 'gt_semantic_seg', 'target_img'):
            assert torch.equal(single[key].data[0], parallel[key].data[0])


def test_without_rare_classes_every_image_comes_once_in_an_epoch(gta, cityscapes):
    dataset = make(gta, cityscapes)
    source, target = names(dataset, range(6))
    later = names(dataset, range(6, 12))
    everything = [f'{i:05d}.png' for i in range(1, 7)]
    assert sorted(source) == sorted(later[0]) == everything
    assert source != later[0]
    assert sorted(target[:3]) == sorted(target[3:]) and len(set(target[:3])) == 3


def test_rare_classes_come_more_often_and_in_the_crop(gta, cityscapes):
    """Images 1 and 4 hold a train; at this temperature every draw is for the train."""
    dataset = make(gta, cityscapes, rare_class_sampling=RCS)
    samples = [dataset[i] for i in range(40)]
    assert {s['img_metas'].data['ori_filename'] for s in samples} == {'00001.png', '00004.png'}
    assert len({s['target_img_metas'].data['ori_filename'] for s in samples}) == 3
    enough = [int((s['gt_semantic_seg'].data == TRAIN).sum()) > 50 for s in samples]
    first_crop = make(gta, cityscapes, rare_class_sampling=dict(RCS, min_crop_ratio=0))
    by_chance = [int((first_crop[i]['gt_semantic_seg'].data == TRAIN).sum()) > 50
                 for i in range(40)]
    assert all(enough) and not all(by_chance)


def test_a_crop_is_drawn_at_most_ten_times_more(gta, cityscapes):
    dataset = make(gta, cityscapes, rare_class_sampling=dict(RCS, min_crop_ratio=1e6))
    drawn = []
    get = dataset.source.__getitem__

    class Counting:
        def __getitem__(self, i):
            drawn.append(i)
            return get(i)

    dataset.pairs.source = Counting()
    dataset[0]
    assert len(drawn) == 11 and len(set(drawn)) == 1


def drawn_crops(dataset, position=0):
    """Number of source crops that a sample takes."""
    drawn, source = [], dataset.source

    class Counting:
        def __getitem__(self, i):
            drawn.append(i)
            return source[i]

    dataset.pairs.source = Counting()
    sample = dataset[position]
    dataset.pairs.source = source
    return len(drawn), sample


@pytest.mark.parametrize('redraws', [0, 3, 20])
def test_the_number_of_further_crops_is_an_option(gta, cityscapes, redraws):
    dataset = make(gta, cityscapes, rare_class_sampling=dict(
        RCS, min_crop_ratio=1e6, max_redraws=redraws))
    assert drawn_crops(dataset)[0] == 1 + redraws


def test_crops_are_drawn_until_no_class_dominates(gta, cityscapes):
    """The cut of mmseg's RandomCrop is not needed for it."""
    options = dict(RCS, max_redraws=200, cat_max_ratio=0.6)
    dataset = make(gta, cityscapes, rare_class_sampling=options)
    counts = []
    for i in range(10):
        crops, sample = drawn_crops(dataset, i)
        label = sample['gt_semantic_seg'].data
        pixels = torch.bincount(label[label != 255])
        assert pixels[TRAIN] > 50 and pixels.max() < 0.6 * pixels.sum()
        counts.append(crops)
    assert max(counts) > 3
    anyway = make(gta, cityscapes, rare_class_sampling=RCS)
    assert max(drawn_crops(anyway, i)[0] for i in range(10)) < max(counts)


@pytest.fixture
def two_sources(gta, tmp_path):
    """The six images of ``gta``, and two others in which all but a strip is a train."""
    other = tmp_path / 'other'
    for i in range(2):
        write_image(other / 'images' / f'{i + 11:05d}.png', seed=20 + i)
        ids = np.full((32, 64), 31)
        ids[:, :4] = 7
        write_ids(other / 'labels' / f'{i + 11:05d}.png', ids)
    convert_gta(other)
    return [gta_config(gta), gta_config(other)]


def test_sources_of_several_sizes_have_their_own_statistics(two_sources, cityscapes):
    first_crop = dict(RCS, min_crop_ratio=0)
    dataset = UDADataset(two_sources, cityscapes_config(cityscapes), seed=1,
                         rare_class_sampling=dict(first_crop, per_source=True))
    draws = [dataset.drawn(i) for i in range(400)]
    of_other = [c for c, image in draws if image >= 6]
    assert len(of_other) / 400 == pytest.approx(2 / 8, abs=0.06)
    assert set(of_other) == {0}  # the road is rare there
    assert {c for c, image in draws if image < 6} == {TRAIN}
    sample = dataset[next(i for i, (_, image) in enumerate(draws) if image >= 6)]
    assert sample['img_metas'].data['ori_filename'] in ('00011.png', '00012.png')
    joint = UDADataset(two_sources, cityscapes_config(cityscapes), seed=1,
                       rare_class_sampling=first_crop)
    assert {c for c, _ in (joint.drawn(i) for i in range(100))} == {TRAIN}


def test_one_source_with_its_own_statistics_is_as_before(gta, cityscapes):
    options = dict(RCS, class_temp=0.5)
    plain = make(gta, cityscapes, rare_class_sampling=options)
    single = make(gta, cityscapes, rare_class_sampling=dict(options, per_source=True))
    assert plain.sampler.images == single.sampler.images
    np.testing.assert_allclose(plain.sampler.all_probabilities(19),
                               single.sampler.all_probabilities(19))


def test_several_targets_are_drawn_by_their_sizes(gta, cityscapes):
    """Three train images and two others, which have margins too."""
    targets = [cityscapes_config(cityscapes, split, crop_pseudo_margins=[0.1, 0.2, 0., 0.])
               for split in ('train', 'val')]
    dataset = UDADataset(gta_config(gta), targets, rare_class_sampling=dict(RCS, min_crop_ratio=0))
    files = [dataset[i]['target_img_metas'].data['filename'] for i in range(150)]
    assert sum('/val/' in file for file in files) / 150 == pytest.approx(2 / 5, abs=0.11)
    assert len(set(files)) == 5
    assert 0 < dataset[0]['valid_pseudo_mask'].data.float().mean() < 1


def test_target_needs_no_labels(gta, cityscapes):
    shutil.rmtree(cityscapes / 'gtFine')
    assert 'target_img' in make(gta, cityscapes)[0]
    config = cityscapes_config(cityscapes)
    del config['ann_dir']
    sample = UDADataset(gta_config(gta), config)[0]
    assert 'target_img' in sample and 'valid_pseudo_mask' not in sample


def test_target_labels_are_not_read(gta, cityscapes):
    for label in (cityscapes / 'gtFine').rglob('*.png'):
        label.write_bytes(b'not to be looked at')
    make(gta, cityscapes, rare_class_sampling=RCS)[0]


def test_margins_reach_the_sample(gta, cityscapes):
    dataset = make(gta, cityscapes, target=dict(
        crop_pseudo_margins=[4, 12, 0, 0], pipeline=training_steps(crop=(48, 96))),
        source=dict(pipeline=training_steps(crop=(48, 96))))
    mask = dataset[0]['valid_pseudo_mask'].data
    rows = mask[0].float().mean(1)
    assert mask.shape == (1, 48, 96)
    assert rows.tolist() == [0] * 6 + [1] * 24 + [0] * 18  # 32 rows resized to 48


def test_synchronized_crop(gta, cityscapes):
    write = (cityscapes / 'leftImg8bit/train/aachen').glob('*.png')
    images = (gta / 'images').glob('*.png')
    for path in [*write, *images]:
        write_image(path, seed=7)  # the same picture everywhere
    steps = [s for s in training_steps(crop=(48, 96)) if s['type'] != 'RandomFlip']
    steps[-1] = dict(steps[-1], meta_keys=('ori_filename',))
    dataset = make(gta, cityscapes, source=dict(pipeline=steps), sync_crop_size=(16, 24),
                   target=dict(pipeline=steps, crop_pseudo_margins=[4, 12, 0, 0]))
    samples = [dataset[i] for i in range(8)]
    for sample in samples:
        assert sample['gt_semantic_seg'].data.shape == (1, 16, 24)
        assert sample['valid_pseudo_mask'].data.shape == (1, 16, 24)
        assert torch.equal(sample['img'].data, sample['target_img'].data)
    assert len({float(s['img'].data.sum()) for s in samples}) > 4
    small = make(gta, cityscapes, sync_crop_size=(64, 64))
    with pytest.raises(ConfigError, match='sync_crop_size .64, 64. needs'):
        small[0]


def test_stock_builder_and_built_data_sets(gta, cityscapes):
    config = dict(type='UDADataset', source=gta_config(gta),
                  target=cityscapes_config(cityscapes, crop_pseudo_margins=[1, 1, 1, 1]))
    dataset = build_with_mmseg(config)
    assert isinstance(dataset, UDADataset) and 'crop_pseudo_margins' in config['target']
    same(dataset[4], UDADataset(dataset.source, dataset.target)[4])


def test_published_statistics_serve(gta, cityscapes):
    stats = gta / 'sample_class_stats.json'
    stats.write_text(stats.read_text().replace('labels/', 'data/gta/labels/'))
    dataset = make(gta, cityscapes, rare_class_sampling=RCS)
    assert dataset.sampler.images[TRAIN] == [0, 3]


@pytest.mark.parametrize('options, message', [
    (dict(seed=-1), 'seed must be at least 0'),
    (dict(rare_class_sampling=dict(min_pixel=3)), "no key 'min_pixel', did you mean 'min_pixels'"),
    (dict(rare_class_sampling=dict(min_pixels=10**6)), 'min_pixels: no source image holds'),
    (dict(source=dict(classes=['road', 'sky'])), 'source has 2 classes, target 19; only one has'),
    (dict(target=dict(ignore_index=254)), 'ignore_index of the source is 255'),
])
def test_wrong_options(gta, cityscapes, options, message):
    with pytest.raises(ConfigError, match=message):
        make(gta, cityscapes, **options)


def test_source_pipeline_without_labels(gta, cityscapes):
    dataset = make(gta, cityscapes, source=dict(pipeline=training_steps(labels=False)))
    with pytest.raises(ConfigError, match="source.pipeline gives no 'gt_semantic_seg'"):
        dataset[0]


def test_missing_data(gta, cityscapes, tmp_path):
    with pytest.raises(MissingFile, match='image folder .*nowhere'):
        make(gta, tmp_path / 'nowhere')
    with pytest.raises(IndexError):
        make(gta, cityscapes)[-1]


@pytest.mark.parametrize('options, message', [
    (dict(classes=['car']), r"joined with GTADataset over .*, but has other classes: \['car'\]"),
    (dict(ignore_index=1), 'but has another ignore_index: 1 and 255')])
@pytest.mark.parametrize('built', [False, True])
def test_sources_that_are_joined_mean_the_same(gta, cityscapes, options, message, built):
    parts = [gta_config(gta), gta_config(gta, **options)]
    source = ConcatDataset([build_dataset(part) for part in parts]) if built else parts
    with pytest.raises(ConfigError, match=message):
        UDADataset(source, cityscapes_config(cityscapes))
