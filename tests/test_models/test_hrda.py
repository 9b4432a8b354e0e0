"""HRDA's segmentor and head: what each promises, and inference."""
import pytest
import torch
from mmcv import ConfigDict
from mmseg.models.builder import HEADS, SEGMENTORS
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.engine.testing.regularized_branch import predict_regularized
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.models.hrda_head import HRDAFeatures
from mmseg_ssr.regularizer import build_regularizer
from mmseg_ssr.uda.student import (
    feature_image,
    heads,
    map_features,
    semantic_features,
    supervised_losses,
    training_features,
    weighted_losses,
)

BOX = (16, 48, 32, 64)


class Constant(nn.Module):
    """A head whose logits are one value everywhere, whatever the features."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, features):
        batch, _, height, width = features[0].shape
        return torch.full((batch, 19, height, width), float(self.value))


class FirstChannel(nn.Module):
    """A head whose logits all are the first channel of the first map."""

    def forward(self, features):
        return features[0][:, :1].expand(-1, 19, -1, -1)


def constant_features(context, detail, box=BOX):
    """Features of one 64 x 64 image whose first maps hold one value each."""
    size = [(box[1] - box[0]) // 4, (box[3] - box[2]) // 4]
    return HRDAFeatures([torch.full((1, 32, 8, 8), float(context))],
                        [torch.full((1, 32, *size), float(detail))], (box, ))


def test_the_drawn_box_is_where_the_detail_comes_from(hrda, img, draws):
    with torch.no_grad():
        features = training_features(hrda, img, draws)
        detail = hrda.extract_feat(img[:, :, 16:48, 32:64])
        context = hrda.extract_feat(F.interpolate(img, scale_factor=0.5, mode='bilinear'))

    assert features.boxes == (BOX, )
    assert draws.args == (64, 64, (32, 32), 8)
    for stage in range(4):
        assert torch.equal(features.detail[stage], detail[stage])
        assert torch.equal(features.context[stage], context[stage])


def test_without_a_crop_size_the_detail_is_the_whole_image(hrda_config, img, draws):
    hrda_config.hr_crop_size = None
    whole = SEGMENTORS.build(hrda_config).eval()
    features = training_features(whole, img, draws)
    assert features.boxes == ((0, 64, 0, 64), )
    assert whole.inference_boxes(img) == features.boxes
    assert supervised_losses(
        whole.decode_head, features, torch.zeros(2, 1, 64, 64).long()).keys() == {
            'loss_ce', 'acc_seg', 'hr.loss_ce', 'hr.acc_seg'}


def test_attention_is_zero_outside_the_detail_crop(hrda):
    hrda.decode_head.head = FirstChannel()
    hrda.decode_head.scale_attention = Constant(100)  # full trust in the detail

    fused = hrda.decode_head(constant_features(context=1, detail=5))

    assert fused.shape == (1, 19, 16, 16)
    inside = fused[:, :, 5:11, 9:]  # one logit off the crop's edge, where up-scaling blends
    torch.testing.assert_close(inside, torch.full_like(inside, 5.))
    outside = torch.cat([fused[:, :, :3].flatten(), fused[:, :, 13:].flatten(),
                         fused[:, :, :, :7].flatten()])
    torch.testing.assert_close(outside, torch.ones_like(outside))


def test_attention_weighs_context_against_detail(hrda):
    hrda.decode_head.head = FirstChannel()
    hrda.decode_head.scale_attention = Constant(torch.tensor(0.25).logit())
    fused = hrda.decode_head(constant_features(context=2, detail=6, box=(0, 64, 0, 64)))
    torch.testing.assert_close(fused, torch.full((1, 19, 16, 16), 0.75 * 2 + 0.25 * 6))


def test_loss_is_a_weighted_sum_of_fused_and_detail(hrda, img, draws):
    head = hrda.decode_head
    label = torch.randint(0, 19, (2, 1, 64, 64))
    weight = torch.rand(2, 64, 64)
    features = training_features(hrda, img, draws)

    losses = supervised_losses(head, features, label, weight)

    def weighted_mean(logits, label, weight):
        logits = F.interpolate(logits, size=label.shape[1:], mode='bilinear')
        return (F.cross_entropy(logits, label, reduction='none') * weight).mean()

    logits = head.logits(features)
    torch.testing.assert_close(
        losses['loss_ce'], 0.9 * weighted_mean(logits.fused, label[:, 0], weight))
    torch.testing.assert_close(
        losses['hr.loss_ce'], 0.1 * weighted_mean(
            logits.detail, label[:, 0, 16:48, 32:64], weight[:, 16:48, 32:64]))
    assert set(losses) == {'loss_ce', 'acc_seg', 'hr.loss_ce', 'hr.acc_seg'}


def test_context_loss_takes_its_share(hrda, img, draws):
    head, label = hrda.decode_head, torch.randint(0, 19, (2, 1, 64, 64))
    features = training_features(hrda, img, draws)
    before = supervised_losses(head, features, label)
    head.lr_loss_weight = 0.3
    losses = supervised_losses(head, features, label)
    context = weighted_losses(head, head.logits(features).context, label)
    torch.testing.assert_close(losses['lr.loss_ce'], 0.3 * context['loss_ce'])
    torch.testing.assert_close(losses['loss_ce'], before['loss_ce'] * 0.6 / 0.9)


def test_inference_averages_the_logits_of_sliding_crops(hrda_config):
    hrda_config.decode_head.fixed_attention = 1.
    hrda_config.hr_crop_size = [64, 64]
    hrda = SEGMENTORS.build(hrda_config).eval()
    img = torch.randn(1, 3, 64, 96)  # two crops that share 32 columns
    with torch.no_grad():
        left, right = (hrda.decode_head.head(hrda.extract_feat(img[..., x:x + 64]))
                       for x in (0, 32))
        logits = hrda.encode_decode(img, None)

    expected = torch.cat([left[..., :8], (left[..., 8:] + right[..., :8]) / 2, right[..., 8:]], 3)
    expected = F.interpolate(expected, size=(64, 96), mode='bilinear')
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
    assert hrda.decode_head.scale_attention is None


def test_detail_slides_by_half_a_crop_a_whole_crop_or_not_at_all(hrda, img):
    assert len(hrda.inference_boxes(img)) == 9
    hrda.hr_slide_overlapping = False
    assert hrda.inference_boxes(img) == (
        (0, 32, 0, 32), (0, 32, 32, 64), (32, 64, 0, 32), (32, 64, 32, 64))
    hrda.hr_slide_inference = False
    assert hrda.inference_boxes(img) == ((0, 64, 0, 64), )


@pytest.mark.parametrize('size', [(68, 90), (65, 71), (101, 64)])
@pytest.mark.parametrize('crop', [(32, 32), (64, 96), (128, 128)])
def test_images_of_any_size_are_segmented(hrda, size, crop):
    hrda.hr_crop_size = crop
    with torch.no_grad():
        logits = hrda.encode_decode(torch.randn(1, 3, *size), None)
    assert logits.shape == (1, 19, *size) and logits.isfinite().all()


@pytest.mark.parametrize('rescale', [False, True])
@pytest.mark.parametrize('at_once', [True, 1, 2])
def test_windows_in_a_batch_give_the_logits_of_single_windows(hrda_config, at_once, rescale):
    hrda_config.test_cfg = ConfigDict(
        mode='slide', crop_size=[64, 64], stride=[32, 32], batched_slide=at_once)
    hrda = SEGMENTORS.build(hrda_config).eval()
    img, metas = torch.randn(1, 3, 64, 96), [dict(
        img_shape=(64, 90, 3), ori_shape=(128, 180, 3), flip=False)]
    with torch.no_grad():
        batched = hrda.slide_inference(img, metas, rescale)
        hrda.test_cfg.batched_slide = False
        single = hrda.slide_inference(img, metas, rescale)
        assert hrda.simple_test(img, metas)[0].shape == (128, 180)
    torch.testing.assert_close(batched, single, rtol=1e-4, atol=1e-5)
    assert batched.shape == ((1, 19, 128, 180) if rescale else (1, 19, 64, 96))


def batch_sizes(hrda):
    """Batch sizes of the backbone's passes, as they come."""
    sizes, forward = [], hrda.backbone.forward
    hrda.backbone.forward = lambda img: sizes.append(len(img)) or forward(img)
    return sizes


def test_so_many_detail_crops_go_through_the_network_at_once(hrda, img):
    with torch.no_grad():
        expected = hrda.encode_decode(img, None)
        sizes = batch_sizes(hrda)
        hrda.test_cfg.batched_slide = 4
        logits = hrda.encode_decode(img, None)
    assert sizes == [4, 4, 4, 4, 2, 2]  # nine crops of two images, then their contexts
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('batched_slide, training', [(True, False), (False, False), (4, True)])
def test_all_detail_crops_go_together_otherwise(hrda, img, batched_slide, training):
    hrda.test_cfg.batched_slide = batched_slide
    sizes = batch_sizes(hrda.train(training))
    hrda.encode_decode(img, None)
    assert sizes == [2, 18]


def test_blurred_detail_is_an_option(hrda_config, img, draws):
    hrda_config.blur_hr_crop = True
    hrda = SEGMENTORS.build(hrda_config).eval()
    with torch.no_grad():
        detail = training_features(hrda, img, draws).detail
        half = F.interpolate(img, scale_factor=0.5, mode='bilinear')
        blurred = F.interpolate(half, size=(64, 64), mode='bilinear')
        expected = hrda.extract_feat(blurred[:, :, 16:48, 32:64])
    torch.testing.assert_close(detail[0], expected[0])


def test_feature_distance_sees_the_context(hrda, img, draws):
    features = training_features(hrda, img, draws)
    half = feature_image(hrda, img)
    assert half.shape == (2, 3, 32, 32)
    semantic = semantic_features(features)
    torch.testing.assert_close(semantic, hrda.backbone(half)[-1])


def test_the_one_head_is_the_decode_head(hrda):
    assert heads(hrda) == dict(decode=hrda.decode_head)


def test_checkpoint_names_are_the_published_ones(hrda):
    names = {'.'.join(name.split('.')[:2]) for name in hrda.state_dict()
             if name.startswith('decode_head.')}
    assert names == {'decode_head.head', 'decode_head.scale_attention'}
    assert hrda.decode_head.scale_attention.fuse_layer.conv.kernel_size == (1, 1)
    assert hrda.decode_head.scale_attention.fuse_layer.conv.out_channels == 8


def test_one_attention_for_all_classes(hrda_config, img):
    hrda_config.decode_head.attention_classwise = False
    hrda = SEGMENTORS.build(hrda_config)
    assert hrda.decode_head.scale_attention.conv_seg.out_channels == 1
    assert hrda.eval().encode_decode(img, None).shape == (2, 19, 64, 64)


@pytest.mark.parametrize('options, message', [
    (dict(scales=[1]), r'scales .* got \[1\]'),
    (dict(scales=[1, 0.5, 0.25]), 'model.scales'),
    (dict(scales=[2, 1]), 'model.scales'),
    (dict(feature_scale='all'), "feature_scale .* got 'all'"),
    (dict(feature_scale=1), 'feature_scale .* 0.5, got 1'),
    (dict(hr_crop_size=[30, 32]), r'hr_crop_size .* got \[30, 32\]'),
    (dict(hr_crop_size=[32]), 'hr_crop_size'),
    (dict(crop_coord_divisible=0), 'crop_coord_divisible .* got 0'),
    (dict(auxiliary_head=dict(type='FCNHead')), 'auxiliary_head'),
])
def test_wrong_values_of_the_segmentor_are_errors(hrda_config, options, message):
    with pytest.raises(ConfigError, match=message):
        SEGMENTORS.build(dict(hrda_config, **options))


@pytest.mark.parametrize('options, message', [
    (dict(single_scale_head='DLV2Hed'), "got 'DLV2Hed', did you mean 'DLV2Head'"),
    (dict(single_scale_head='DLV2Head'), 'decode_head.dilations of HRDAHead is missing'),
    (dict(single_scale_head='DLV2Head', dilations=[6]), 'channels of HRDAHead is not for DLV2'),
    (dict(dilations=[6]), 'decode_head.dilations of HRDAHead is not for DAFormerHead'),
    (dict(hr_loss_weight=-0.1), 'hr_loss_weight .* -0.1'),
    (dict(lr_loss_weight=0.5, hr_loss_weight=0.6), '0.5 and 0.6'),
    (dict(fixed_attention=2), 'fixed_attention .* got 2'),
])
def test_wrong_values_of_the_head_are_errors(hrda_config, options, message):
    with pytest.raises(ConfigError, match=message):
        HEADS.build(dict(hrda_config.decode_head, **options))


def test_a_misspelled_key_is_an_error(hrda_config):
    with pytest.raises(TypeError, match='attention_clswise'):
        HEADS.build(dict(hrda_config.decode_head, attention_clswise=True))


def test_a_crop_that_does_not_fit_names_both_sizes(hrda, draws):
    with pytest.raises(ConfigError, match=r'hr_crop_size .* 24 x 64 .* got \[32, 32\]'):
        training_features(hrda, torch.zeros(1, 3, 24, 64), draws)


def test_the_regularizer_cannot_add_its_map(hrda, tiny_sam):
    with pytest.raises(ConfigError, match="regularizer.add_map: .* HRDA's detail crop"):
        build_regularizer(hrda, tiny_sam, add_map=True)


def test_its_regularization_branch_cannot_predict(hrda):
    with pytest.raises(ConfigError, match='the regularization branch of HRDA cannot predict'):
        predict_regularized(hrda, ConfigDict(), 'unused.pth')


def test_logits_at_another_stride_are_refused(hrda, img):
    def larger(maps):
        return [torch.nn.functional.interpolate(each, scale_factor=1.25) for each in maps]

    features = hrda.multi_resolution_features(img, [(0, 32, 0, 32)])
    assert hrda.decode_head(features).shape[2:] == (16, 16)
    features = map_features(features, larger)
    with pytest.raises(ConfigError, match='needs logits at 1/4 of the image, 8 x 8 for a crop'):
        hrda.decode_head(features)
