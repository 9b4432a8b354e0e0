import pytest
import torch
from mmseg.datasets import build_dataset as build_with_mmseg
from tiny_data import cityscapes_config, gta_config, training_steps, write_image

from mmseg_ssr.datasets import UDADataset, build_dataset, uda_dataset
from mmseg_ssr.datasets.pipelines.cached_loading import keep_last_loaded
from mmseg_ssr.domains.last_loaded import LastLoaded
from mmseg_ssr.errors import ConfigError, DataError

#: Nearly every crop is drawn again: a train covers few pixels of these images.
RCS = dict(min_pixels=100, class_temp=0.01, min_crop_ratio=3.0)


@pytest.fixture
def decoded(monkeypatch):
    """Files in the order in which they are read."""
    from mmcv import FileClient
    files, get = [], FileClient.get
    monkeypatch.setattr(FileClient, 'get',
                        lambda self, path: files.append(str(path)[-9:]) or get(self, path))
    return files


def pairs(gta, cityscapes, wrapper=None):
    steps = training_steps()
    # in place, on what the resizing gave or, at the loaded size, on what was loaded
    steps[2:3] = [dict(type='RandomCutOut', prob=1, n_holes=2, cutout_shape=(8, 8)),
                  dict(type='PhotoMetricDistortion')]
    source = gta_config(gta, pipeline=steps)
    return UDADataset(dict(wrapper, dataset=source) if wrapper else source,
                      cityscapes_config(cityscapes), rare_class_sampling=RCS, seed=3)


@pytest.mark.parametrize('wrapper', [None, dict(type='RepeatDataset', times=2)])
def test_samples_are_those_of_reading_every_time(gta, cityscapes, monkeypatch, wrapper):
    kept = [pairs(gta, cityscapes, wrapper)[i] for i in range(8)]
    monkeypatch.setattr(uda_dataset, 'keep_last_loaded', lambda dataset, **options: None)
    read = pairs(gta, cityscapes, wrapper)
    for i, sample in enumerate(kept):
        for key in ('img', 'gt_semantic_seg', 'target_img'):
            assert torch.equal(sample[key].data, read[i][key].data)


def test_draws_of_one_image_read_it_once(gta, cityscapes, decoded):
    dataset = pairs(gta, cityscapes)
    draws = []
    dataset.source.pipeline.transforms.append(lambda sample: draws.append(1) or sample)
    decoded.clear()
    dataset[0]
    assert len(draws) == 1 + dataset.rare_class_sampling.max_redraws == 11
    assert len(decoded) == 3  # image and label of the source, image of the target


def test_without_draws_nothing_is_kept(gta, cityscapes):
    first_crop = dict(RCS, min_crop_ratio=0)
    dataset = UDADataset(gta_config(gta), cityscapes_config(cityscapes),
                         rare_class_sampling=first_crop)
    assert not isinstance(dataset.source.pipeline.transforms[0], LastLoaded)


def test_another_image_is_read(gta, decoded):
    dataset = build_dataset(gta_config(gta))
    keep_last_loaded(dataset)
    decoded.clear()
    filenames = [dataset[i]['img_metas'].data['ori_filename'] for i in (0, 0, 1, 0)]
    assert filenames == ['00001.png', '00001.png', '00002.png', '00001.png']
    assert [name for name in decoded if name in filenames] == ['00001.png', '00002.png',
                                                               '00001.png']


def test_a_damaged_image_is_not_kept(gta):
    dataset = build_dataset(gta_config(gta))
    keep_last_loaded(dataset)
    good = dataset[0]['img_metas'].data['filename']
    image = gta / 'images' / '00002.png'
    image.write_bytes(image.read_bytes()[:30])
    for _ in range(2):
        with pytest.raises(DataError, match='00002.png does not decode'):
            dataset[1]
    write_image(image)
    assert dataset[1]['img_metas'].data['filename'] != good


def test_steps_that_are_not_checked_stay_as_they_are(cityscapes):
    dataset = build_with_mmseg(cityscapes_config(cityscapes))
    steps = list(dataset.pipeline.transforms)
    keep_last_loaded(dataset)
    assert dataset.pipeline.transforms == steps


def scaled_pairs(gta, cityscapes, **rcs):
    steps = training_steps()
    steps[2]['ratio_range'] = (0.5, 1.5)
    dataset = UDADataset(gta_config(gta, pipeline=steps), cityscapes_config(cityscapes), seed=3,
                         rare_class_sampling=dict(RCS, min_crop_ratio=1e6, **rcs))
    scales = []

    def note(results):
        scales.append(float(results['scale_factor'][0]))
        return results

    dataset.source.pipeline.transforms.insert(1 if rcs else 2, note)
    return dataset, scales


def test_all_crops_of_an_image_have_one_scale(gta, cityscapes):
    dataset, scales = scaled_pairs(gta, cityscapes, keep_scale=True)
    first = [dataset[i] for i in range(6)]
    assert len(scales) == 66
    by_sample = [set(scales[i:i + 11]) for i in range(0, 66, 11)]
    assert all(len(one) == 1 for one in by_sample) and len(set.union(*by_sample)) >= 4
    again = [dataset[i] for i in reversed(range(6))]  # of one image, earlier samples leave no trace
    for sample, other in zip(first, reversed(again)):
        assert torch.equal(sample['img'].data, other['img'].data)


def test_by_default_each_crop_has_its_own(gta, cityscapes):
    dataset, scales = scaled_pairs(gta, cityscapes)
    dataset[0]
    assert len(scales) == 11 and len(set(scales)) > 7


def test_one_scale_needs_the_resizing_behind_the_loading(gta, cityscapes):
    steps = training_steps()
    steps.insert(2, dict(type='PhotoMetricDistortion'))
    with pytest.raises(ConfigError, match='keep_scale needs a step that resizes right behind'):
        UDADataset(gta_config(gta, pipeline=steps), cityscapes_config(cityscapes),
                   rare_class_sampling=dict(RCS, keep_scale=True))
