"""Windows of slide inference in batches, of segmentors that are not HRDA (those: test_hrda.py)."""
import pytest
import torch
from mmcv import ConfigDict
from mmseg.models.builder import SEGMENTORS
from mmseg.models.segmentors import EncoderDecoder

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.models.slide import crops_per_pass, slide_inference

METAS = [dict(img_shape=(70, 90, 3), ori_shape=(140, 180, 3), flip=False)] * 2
#: Of a 72 x 96 image: three rows of four windows.
WINDOWS = dict(mode='slide', crop_size=[48, 48], stride=[16, 16])


@pytest.fixture
def segmentor(daformer_b0):
    daformer_b0.test_cfg = ConfigDict(WINDOWS)
    return SEGMENTORS.build(daformer_b0).eval()


@pytest.fixture
def images():
    return torch.randn(2, 3, 72, 96)


@torch.no_grad()
def logits(segmentor, images, batched, rescale=False):
    segmentor.test_cfg.batched_slide = batched
    return slide_inference(segmentor, images, METAS, rescale)


def passes(segmentor):
    """Batch sizes of the passes, as they come."""
    sizes, encode = [], segmentor.encode_decode
    segmentor.encode_decode = lambda img, metas: sizes.append(len(img)) or encode(img, metas)
    return sizes


@pytest.mark.parametrize('rescale', [False, True])
@pytest.mark.parametrize('batched', [1, 5, 12, 100, True])
def test_logits_are_mmsegs(segmentor, images, batched, rescale):
    with torch.no_grad():
        expected = EncoderDecoder.slide_inference(segmentor, images, METAS, rescale)
    assert expected.shape == ((2, 19, 140, 180) if rescale else (2, 19, 72, 96))
    torch.testing.assert_close(logits(segmentor, images, batched, rescale), expected,
                               atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('batched, sizes', [
    (False, [2] * 12), (1, [2] * 12), (5, [10, 10, 4]), (True, [24])])
def test_that_many_windows_go_through_the_network_at_once(segmentor, images, batched, sizes):
    seen = passes(segmentor)
    logits(segmentor, images, batched)
    assert seen == sizes


def test_without_the_key_it_is_mmsegs_to_the_bit(segmentor, images):
    with torch.no_grad():
        assert torch.equal(slide_inference(segmentor, images, METAS, False),
                           EncoderDecoder.slide_inference(segmentor, images, METAS, False))


def test_a_window_larger_than_the_image_is_the_image(segmentor, images):
    segmentor.test_cfg.crop_size = [200, 200]
    with torch.no_grad():
        whole = segmentor.encode_decode(images, METAS)
    torch.testing.assert_close(logits(segmentor, images, 4), whole)


def test_images_of_several_windows_meet_in_their_own_places(segmentor):
    """With a network that returns its input, the means of the windows are the image."""
    segmentor.encode_decode = lambda img, metas: img
    images = torch.randn(2, 3, 72, 96)
    torch.testing.assert_close(logits(segmentor, images, 5), images)


def test_ssr_encoder_decoder_slides_by_itself(daformer_b0, images):
    config = dict(daformer_b0, type='SSREncoderDecoder', regularizer=None, train_cfg=None,
                  test_cfg=ConfigDict(WINDOWS, batched_slide=6))
    segmentor = SEGMENTORS.build(config).eval()
    seen = passes(segmentor)
    with torch.no_grad():
        segmentor.inference(images, METAS, True)
    assert seen == [12, 12]


@pytest.mark.parametrize('rescale', [False, True])
@pytest.mark.parametrize('batched', [False, 5])
def test_probabilities_are_averaged(segmentor, images, batched, rescale):
    """They are summed by hand here, window by window."""
    segmentor.test_cfg.update(average='probability', crop_size=[72, 64], stride=[72, 32])
    with torch.no_grad():
        left, right = (segmentor.encode_decode(part, METAS).softmax(1)
                       for part in (images[..., :64], images[..., 32:]))
    expected = torch.cat([left[..., :32], (left[..., 32:] + right[..., :32]) / 2,
                          right[..., 32:]], -1)
    if rescale:
        expected = torch.nn.functional.interpolate(expected[:, :, :70, :90], (140, 180),
                                                   mode='bilinear')
    found = logits(segmentor, images, batched, rescale)
    torch.testing.assert_close(found.softmax(1), expected, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(found.exp(), expected, atol=1e-6, rtol=1e-4)


def test_a_probability_of_zero_stays_finite(segmentor, images):
    segmentor.test_cfg.average = 'probability'
    segmentor.encode_decode = lambda img, metas: img.new_zeros(len(img), 2, *img.shape[2:]) \
        + torch.tensor([0., 500.]).view(1, 2, 1, 1)
    found = logits(segmentor, images, 4)
    assert found.isfinite().all() and (found.argmax(1) == 1).all()


def test_probabilities_of_a_single_logit(segmentor, images):
    segmentor.test_cfg.average = 'probability'
    segmentor.encode_decode = lambda img, metas: img[:, :1]
    with pytest.raises(ConfigError, match='needs a head with a logit for each class'):
        logits(segmentor, images, 4)


@pytest.mark.parametrize('test_cfg, crops', [
    (None, None), ({}, None), (dict(batched_slide=False), None), (dict(batched_slide=0), None),
    (dict(batched_slide=True), 7), (dict(batched_slide=1), 1), (dict(batched_slide=9), 9)])
def test_crops_per_pass(test_cfg, crops):
    assert crops_per_pass(test_cfg, 7) == crops
