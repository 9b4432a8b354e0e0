import numpy as np
import pytest
import torch
from mmcv.parallel import DataContainer
from mmseg.datasets.pipelines import Compose

from mmseg_ssr.datasets import FormatValidPseudoMask, PseudoLabelMargins
from mmseg_ssr.errors import ConfigError, DataError


def loaded(height, width):
    return dict(img=np.zeros((height, width, 3), np.uint8), seg_fields=[], filename='x.png',
                img_shape=(height, width, 3))


@pytest.mark.parametrize('size', [(40, 80), (27, 48)])
def test_margins_of_an_image_of_any_size(size):
    results = PseudoLabelMargins([3, 10, 4, 0])(loaded(*size))
    mask = results['valid_pseudo_mask']
    assert mask.dtype == np.uint8 and mask.shape == size
    expected = np.zeros(size)
    expected[3:size[0] - 10, 4:] = 1
    np.testing.assert_array_equal(mask, expected)
    assert results['seg_fields'] == ['valid_pseudo_mask']


def test_shares_of_an_image():
    mask = PseudoLabelMargins([0.03, 0.25, 0.03, 2])(loaded(110, 70))['valid_pseudo_mask']
    expected = np.zeros((110, 70))
    expected[3:110 - 27, 2:68] = 1
    np.testing.assert_array_equal(mask, expected)


def test_a_share_below_one_pixel_is_no_margin():
    assert PseudoLabelMargins([0.03] * 4)(loaded(20, 20))['valid_pseudo_mask'].all()


def test_no_margins_is_all_valid():
    assert PseudoLabelMargins([0, 0, 0, 0])(loaded(5, 6))['valid_pseudo_mask'].all()


def test_the_mask_follows_the_image_and_padding_is_not_valid():
    """Mark the valid area in the image too: after resize, crop and flip they still agree."""
    for seed in range(8):
        np.random.seed(seed)
        results = PseudoLabelMargins([8, 4, 6, 2])(loaded(32, 64))
        results['img'][8:28, 6:62] = 200
        steps = Compose([dict(type='Resize', img_scale=(128, 64)),
                         dict(type='RandomCrop', crop_size=(48, 160)),
                         dict(type='RandomFlip', prob=0.5),
                         dict(type='Pad', size=(56, 160), pad_val=0, seg_pad_val=255),
                         dict(type='FormatValidPseudoMask')])
        results = steps(results)
        mask = results['valid_pseudo_mask'].data
        assert mask.shape == (1, 56, 160) and mask.dtype == torch.uint8
        np.testing.assert_array_equal(mask[0].numpy(), results['img'][..., 0] > 100)
        assert not mask[0, :, 128:].any() and not mask[0, 48:].any()


def test_a_mask_that_the_host_has_formatted_is_taken_too():
    host = DataContainer(torch.tensor([[[1, 0, 255]]], dtype=torch.uint8), stack=True)
    mask = FormatValidPseudoMask()(dict(valid_pseudo_mask=host))['valid_pseudo_mask']
    assert mask.stack and mask.data.tolist() == [[[1, 0, 0]]]


@pytest.mark.parametrize('margins', [[1, 2, 3], [1, 2, 3, -1], [1.5, 0, 0, 0], [1., 0, 0, 0],
                                     [True, 0, 0, 0], 30, 'abcd'])
def test_wrong_margins(margins):
    with pytest.raises(ConfigError, match='crop_pseudo_margins must be four pixel counts'):
        PseudoLabelMargins(margins)


def test_margins_that_leave_nothing():
    with pytest.raises(DataError, match='leave nothing of x.png, 64 x 32 pixels'):
        PseudoLabelMargins([16, 16, 0, 0])(loaded(32, 64))
