import numpy as np
import pytest
from tiny_data import cityscapes_config, gta_config

from mmseg_ssr.browse.class_shares import pixel_shares, sampled_shares
from mmseg_ssr.datasets import UDADataset, build_dataset

# test_source_statistics.py: six images of road and sky, two of them with a train in it
PIXELS = {0: 6 * 1024 - 512, 10: 6 * 1023, 16: 512}
TRAIN = 16


def make(gta, cityscapes, **options):
    return UDADataset(gta_config(gta), cityscapes_config(cityscapes), **options)


@pytest.fixture
def sampling(gta, cityscapes):
    return make(gta, cityscapes, seed=5, rare_class_sampling=dict(
        min_pixels=100, class_temp=0.5, min_crop_ratio=0))


def test_shares_of_the_pixels(gta, cityscapes, sampling):
    expected = np.zeros(19)
    expected[list(PIXELS)] = list(PIXELS.values())
    expected /= expected.sum()
    uniform = make(gta, cityscapes)
    for dataset in (uniform, sampling, build_dataset(gta_config(gta))):
        np.testing.assert_allclose(pixel_shares(dataset), expected)


def test_no_statistics_are_written(gta, cityscapes):
    for file in gta.glob('*.json'):
        file.unlink()
    rcs = dict(min_pixels=100, class_temp=0.5)
    dataset = make(gta, cityscapes, rare_class_sampling=rcs, keep_statistics=False)
    assert pixel_shares(dataset).sum() == pytest.approx(1)
    pixel_shares(make(gta, cityscapes))
    assert list(gta.glob('*.json')) == []
    make(gta, cityscapes, rare_class_sampling=rcs)
    assert len(list(gta.glob('*.json'))) == 3


def test_draws_are_those_of_the_samples(sampling):
    samples = [sampling[i] for i in range(12)]
    files = [info['filename'] for info in sampling.source.img_infos]
    for i, sample in enumerate(samples):
        c, image = sampling.drawn(i)
        assert files[image] == sample['img_metas'].data['ori_filename']
        assert image in sampling.sampler.images[c]


def test_shares_of_the_draws(sampling):
    found = sampled_shares(sampling, 600)
    assert found.probability.sum() == pytest.approx(1) == found.drawn.sum()
    np.testing.assert_allclose(found.drawn, found.probability, atol=0.06)
    # with probability P(train) it is one of the two images, else any of the six
    train = found.probability[TRAIN]
    assert found.images[TRAIN] == pytest.approx(2 / 6)
    assert found.drawn_images[TRAIN] == pytest.approx(train + (1 - train) / 3, abs=0.06)
    assert found.drawn_images[0] == found.images[0] == 1 and found.images[5] == 0
    assert found.different == 6 and sampled_shares(sampling, 1).different == 1
