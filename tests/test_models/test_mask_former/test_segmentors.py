"""The segmentors of Mask2Former and SARFormer: training, prediction, and what they refuse."""
import copy

import pytest
import torch
from mmcv import ConfigDict
from mmseg.models.builder import SEGMENTORS
from torch import nn

from mmseg_ssr.errors import ConfigError, DataError
from mmseg_ssr.models.mask_former.mask2former_head import class_scores
from mmseg_ssr.regions import Regions
from mmseg_ssr.uda import student

CLASSES = 5
BEIT = dict(type='BEiTAdapter', img_size=64, embed_dims=24, num_layers=4, num_heads=4,
            deform_num_heads=4, conv_inplane=8, interaction_indexes=[[i, i] for i in range(4)],
            drop_path_rate=0., batch_norm_cfg=dict(type='BN'))
HEAD = dict(in_channels=[24] * 4, num_classes=CLASSES, feat_channels=32, num_queries=6,
            pixel_decoder=dict(num_layers=1, num_heads=4, feedforward_channels=32, num_groups=8),
            transformer_decoder=dict(num_layers=2, num_heads=4, feedforward_channels=32),
            losses=dict(num_points=64))
AUXILIARY = dict(type='FCNHead', in_channels=24, in_index=2, channels=8, num_convs=1,
                 num_classes=CLASSES, norm_cfg=dict(type='BN'),
                 loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4))


def built(kind='SARFormer', head=None, test_cfg=None, **options):
    heads = dict(SARFormer='SARFormerHead', Mask2Former='Mask2FormerHead')
    if kind == 'SARFormer':
        options.setdefault('regions', dict(type='none'))
    options.setdefault('backbone', BEIT)
    torch.manual_seed(0)
    model = SEGMENTORS.build(ConfigDict(
        type=kind, decode_head=dict(HEAD, type=heads.get(kind, 'SARFormerHead'), **(head or {})),
        train_cfg=dict(), test_cfg=test_cfg or dict(mode='whole'), **options))
    model.init_weights()
    return model.eval()


def metas(img, shape=None):
    shape = shape or (*img.shape[2:], 3)
    return [dict(img_shape=(*img.shape[2:], 3), ori_shape=shape, flip=False)] * len(img)


class Quarters(nn.Module):
    """A region source that gives the upper left quarter, and the brighter pixels."""

    def forward(self, img):
        corner = torch.zeros(img.shape[0], *img.shape[2:], dtype=torch.bool)
        corner[:, :img.shape[2] // 2, :img.shape[3] // 2] = True
        return [Regions.of(torch.stack([one, bright]), torch.ones(2))
                for one, bright in zip(corner, img.mean(1) > 0)]


@pytest.fixture
def model():
    model = built(auxiliary_head=AUXILIARY)
    model.regions = Quarters()
    return model


@pytest.mark.parametrize('kind', ['SARFormer', 'Mask2Former'])
def test_training_step_reaches_every_weight(kind):
    model = built(kind, auxiliary_head=AUXILIARY).train()
    img, label = torch.randn(2, 3, 64, 64), torch.randint(0, CLASSES, (2, 1, 64, 64))
    losses = model.forward_train(img, metas(img), label)
    assert {'decode.loss_cls', 'decode.d0.loss_mask', 'decode.d1.loss_dice',
            'aux.loss_ce'} <= losses.keys() and len(losses) == 11
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    without = {name for name, p in model.named_parameters() if p.grad is None}
    assert not without


def test_predictions_are_the_same_each_time(model):
    img = torch.randn(1, 3, 64, 64)
    state = torch.get_rng_state()
    first, second = (model.encode_decode(img, metas(img)) for _ in range(2))
    assert torch.equal(first, second) and first.shape == (1, CLASSES, 64, 64)
    assert torch.equal(state, torch.get_rng_state())


def test_random_order_in_tests_is_an_option():
    model = built(head=dict(test_order='random'))
    img = torch.randn(1, 3, 64, 64)
    first, second = (model.encode_decode(img, metas(img)) for _ in range(2))
    assert not torch.equal(first, second)


def published_scores(model, img):
    """Scores of an image of the size that the backbone takes, by the published formula."""
    predicted = model.decode_head(model.extract_feat(img))
    masks = nn.functional.interpolate(predicted.masks[-1], img.shape[2:], mode='bilinear')
    return class_scores(predicted.classes[-1], masks)


@torch.no_grad()
def test_whole_images_get_the_published_labels_and_shares(model):
    img = torch.randn(1, 3, 64, 64)
    scores = published_scores(model, img)
    wanted = nn.functional.interpolate(scores, (100, 90), mode='bilinear')
    shares = model.inference(img, metas(img, (100, 90, 3)), True)
    torch.testing.assert_close(shares, wanted / wanted.sum(1, keepdim=True), rtol=1e-4, atol=1e-5)
    assert torch.equal(shares.argmax(1), wanted.argmax(1))


@torch.no_grad()
@pytest.mark.parametrize('batched', [False, 3, True])
def test_windows_average_scores(batched):
    model = built(test_cfg=dict(mode='slide', crop_size=(64, 64), stride=(32, 48),
                                batched_slide=batched))
    model.regions = Quarters()
    img = torch.randn(1, 3, 96, 80)
    total, count = torch.zeros(1, CLASSES, 96, 80), torch.zeros(96, 80)
    for top in (0, 32):
        for left in (0, 16):
            window = img[:, :, top:top + 64, left:left + 64]
            total[:, :, top:top + 64, left:left + 64] += published_scores(model, window)
            count[top:top + 64, left:left + 64] += 1
    wanted = total / count
    shares = model.inference(img, metas(img), False)
    torch.testing.assert_close(shares, wanted / wanted.sum(1, keepdim=True), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_smaller_images_are_padded_with_the_mean_color(model):
    img = torch.randn(1, 3, 40, 64)
    padded = torch.zeros(1, 3, 64, 64)
    padded[:, :, :40] = img
    own = model.encode_decode(img, metas(img))
    assert own.shape == (1, CLASSES, 40, 64)
    assert torch.equal(own, model.encode_decode(padded, metas(padded))[:, :, :40])


def test_smaller_crops_are_ignored_outside(model):
    model.train()
    img, label = torch.randn(2, 3, 40, 48), torch.randint(0, CLASSES, (2, 1, 40, 48))
    seen = {}
    model.decode_head.prediction_losses = lambda predicted, label: seen.update(label=label) or {}
    model.forward_train(img, metas(img), label)
    assert torch.equal(seen['label'][:, :, :40, :48], label)
    assert (seen['label'][:, :, 40:] == 255).all() and (seen['label'][..., 48:] == 255).all()


def test_larger_images_say_what_to_do(model):
    with pytest.raises(ConfigError, match=r"img_size=\(64, 64\), got \(96, 64\).*mode='slide'"):
        model.encode_decode(torch.randn(1, 3, 96, 64), None)


def test_copies_share_the_region_source_and_nothing_of_it_is_saved():
    model = built()
    twin = copy.deepcopy(model)
    assert twin.regions is model.regions
    assert twin.backbone is not model.backbone
    assert not [name for name in model.state_dict() if 'regions' in name]


def test_compiled_parts():
    model = built()
    assert list(student.compilable(model)) == [model.backbone, model.decode_head.pixel_decoder]


def test_any_backbone_with_four_stages():
    model = built(
        backbone=dict(type='ResNetV1c', depth=18, base_channels=8, norm_cfg=dict(type='BN')),
        head=dict(in_channels=[8, 16, 32, 64], pool_from='mask_features',
                  first_attention='predicted'))
    img = torch.randn(1, 3, 70, 90)
    assert model.encode_decode(img, metas(img)).shape == (1, CLASSES, 70, 90)


def test_regions_of_another_size_are_refused(model):
    small = [Regions.of(torch.ones(1, 8, 8, dtype=torch.bool), torch.ones(1))]
    model.regions.forward = lambda img: small
    with pytest.raises(DataError, match=r'regions of \(8, 8\) pixels for images of \(64, 64\)'):
        model.extract_feat(torch.randn(1, 3, 64, 64))


@pytest.mark.parametrize('options, message', [
    (dict(head=dict(pool_from='contxt')), r"decode_head.pool_from must be one of .*, got 'contxt'"
                                          ", did you mean 'context'"),
    (dict(head=dict(first_attention='left')), 'decode_head.first_attention must be one of'),
    (dict(head=dict(test_order=3)), 'decode_head.test_order must be one of'),
    (dict(head=dict(num_queries=0)), 'num_queries must be at least 1, got 0'),
    (dict(head=dict(in_channels=[24] * 3, in_index=[0, 1, 2])), 'widths of four maps'),
    (dict(head=dict(in_index=[0, 1])), r'in_index must name 4 maps'),
    (dict(head=dict(feat_channels=36)), '8 groups for 36 channels'),
    (dict(head=dict(transformer_decoder=dict(num_heads=5))), '5 heads for 32 channels'),
    (dict(head=dict(pixel_decoder=dict(num_groups=8, heads=2))), "decode_head.pixel_decoder: .*"
                                                                 "'heads'"),
    (dict(head=dict(pixel_decoder=dict(num_points=0))), 'pixel_decoder: num_points must be at '
                                                        'least 1, got 0'),
    (dict(head=dict(pixel_decoder=dict(feedforward_channels=-3))),
     'pixel_decoder: feedforward_channels must be at least 1, got -3'),
    (dict(head=dict(transformer_decoder=dict(feedforward_channels=0))),
     'transformer_decoder: feedforward_channels must be at least 1, got 0'),
    (dict(head=dict(losses=dict(points=2))), "decode_head.losses: .*'points'"),
    (dict(backbone=dict(type='ResNetV1c', depth=18, norm_cfg=dict(type='BN'))),
     "ResNetV1c gives none: set pool_from='mask_features'"),
    (dict(backbone=dict(BEIT, img_size=72)), 'img_size must be multiples of 32'),
    (dict(backbone=dict(BEIT, interaction_indexes=[[0, 3]])), 'four pairs of blocks'),
    (dict(backbone=dict(BEIT, num_layers=3)), 'blocks 0 to 2 of a BEiT of num_layers=3 once'),
    (dict(backbone=dict(BEIT, num_layers=5)), 'blocks 0 to 4 of a BEiT of num_layers=5 once'),
    (dict(backbone=dict(BEIT, interaction_indexes=[[0, 0], [0, 1], [2, 2], [3, 3]])),
     'once and in order'),
    (dict(backbone=dict(BEIT, drop_path_rate=1.5)), r'drop_path_rate must be in \[0, 1\), got 1.5'),
    (dict(test_cfg=dict(mode='slide', crop_size=(32, 32), stride=(16, 16))),
     r'test_cfg.crop_size must be the img_size of the backbone, \(64, 64\), got \(32, 32\)'),
    (dict(regions=dict(type='sam2')), "regions.type must be one of .*, got 'sam2'"),
])
def test_wrong_configs_end_in_one_line(options, message):
    with pytest.raises(ConfigError, match=message):
        built(**options)


def test_maps_that_are_not_there_are_named():
    model = built(head=dict(in_index=[0, 1, 2, 4]))
    with pytest.raises(ConfigError, match=r'maps from 0 to 3.*, got \[0, 1, 2, 4\]'):
        model.encode_decode(torch.randn(1, 3, 64, 64), None)


def test_heads_and_segmentors_belong_together():
    head = dict(HEAD, type='SARFormerHead')
    with pytest.raises(ConfigError, match="set model.type='SARFormer'"):
        SEGMENTORS.build(dict(type='Mask2Former', backbone=BEIT, decode_head=head))
    with pytest.raises(ConfigError, match="needs decode_head.type='SARFormerHead', got Mask2F"):
        SEGMENTORS.build(dict(type='SARFormer', backbone=BEIT, regions=dict(type='none'),
                              decode_head=dict(HEAD, type='Mask2FormerHead')))
    stock = SEGMENTORS.build(dict(type='EncoderDecoder', backbone=BEIT, decode_head=head))
    with pytest.raises(ConfigError, match="set model.type='SARFormer'"):
        stock.encode_decode(torch.randn(1, 3, 64, 64), None)
