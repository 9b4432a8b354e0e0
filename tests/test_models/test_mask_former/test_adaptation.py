"""What a method of domain adaptation asks of SARFormer."""
import pytest
import torch
from mmseg.models.builder import HEADS, SEGMENTORS

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.models.mask_former import RegionFeatures
from mmseg_ssr.regularizer.build import feature_channels
from mmseg_ssr.uda import student
from mmseg_ssr.uda.student_checks import check_pixel_weights
from mmseg_ssr.uda.update.feature_cut import FeatureCut

from .test_segmentors import BEIT, CLASSES, Quarters, built


@pytest.fixture
def model():
    model = built()
    model.regions = Quarters()
    return model


def test_features_of_joint_views_are_those_of_each(model):
    imgs = [torch.randn(2, 3, 64, 64), torch.randn(1, 3, 64, 64)]
    together = student.joint_training_features(model, imgs, None)
    for img, features in zip(imgs, together):
        alone = student.training_features(model, img, None)
        assert features.size == alone.size == (64, 64)
        for own, other in zip((*features, *features.context), (*alone, *alone.context)):
            torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)
        assert all(map(torch.equal, features.regions, alone.regions))
        assert len(features.regions) == len(img)


def test_changed_maps_keep_context_and_regions(model):
    features = model.extract_feat(torch.randn(1, 3, 64, 64))
    doubled = student.map_features(features, lambda maps: [2 * one for one in maps])
    assert all(torch.equal(own, 2 * other) for own, other in zip(doubled, features))
    assert doubled.context is features.context and doubled.size == features.size
    assert student.semantic_features(doubled) is doubled[-1]


def test_maps_and_context_are_cut_from_the_backbone(model):
    features = model.extract_feat(torch.randn(1, 3, 64, 64))
    cut = FeatureCut(features)
    assert isinstance(cut.features, RegionFeatures) and len(cut.features) == 4
    assert cut.features.regions == features.regions and cut.features.size == features.size
    for _ in range(2):  # two losses, each with a backward pass of its own
        predicted = student.prediction(model.decode_head, cut.features)
        predicted.masks[-1].square().mean().backward()
    assert all(one.grad is not None for one in cut.features.context)
    assert model.backbone.cls_token.grad is None
    cut.backward()
    assert model.backbone.cls_token.grad is not None


def test_logits_are_log_scores_at_stride_4(model):
    img = torch.randn(1, 3, 64, 64)
    predicted = student.prediction(model.decode_head, model.extract_feat(img))
    logits = student.prediction_logits(predicted)
    assert logits.shape == (1, CLASSES, 16, 16)
    resized = student.level_logits(model, dict(decode=predicted), img)['main']
    assert resized.shape == (1, CLASSES, 64, 64)
    labels = student.segmentation_logits(model, img).argmax(1)
    assert (resized.argmax(1) == labels).float().mean() > 0.9


def test_losses_come_with_the_accuracy(model):
    img, label = torch.randn(2, 3, 64, 64), torch.full((2, 1, 64, 64), 2)
    losses = student.supervised_losses(model.decode_head, model.extract_feat(img), label,
                                       torch.ones(2, 64, 64))
    assert 0 <= losses['acc_seg'] <= 100 and {'loss_cls', 'd1.loss_dice'} <= losses.keys()


def test_pixel_weights_are_checked_through_the_head(model):
    check_pixel_weights(model)
    model.decode_head.prediction_losses = lambda predicted, label, weight=None: dict(
        loss_cls=torch.ones(()))
    with pytest.raises(ConfigError, match='loss_cls of the decode head does not weigh'):
        check_pixel_weights(model)


def test_half_precision_gives_finite_scores_and_losses():
    head = HEADS.build(dict(
        type='Mask2FormerHead', in_channels=[8] * 4, num_classes=CLASSES, feat_channels=32,
        num_queries=4, losses=dict(num_points=32)))
    maps = [torch.randn(1, 8, 32 // s, 32 // s) for s in (1, 2, 4, 8)]
    with torch.autocast('cpu', torch.bfloat16):
        scores = head.forward_test(maps, [], None)
        losses = head.forward_train(maps, [], torch.zeros(1, 1, 128, 128).long(), None)
    assert scores.dtype == torch.float32 and scores.isfinite().all()
    assert all(value.dtype == torch.float32 and value.isfinite() for value in losses.values())


def test_widths_are_measured_at_the_only_size_without_regions():
    model = built(backbone=dict(BEIT, img_size=(32, 96)))
    model.regions = torch.nn.Identity()  # gives no regions, so it fails if it is asked
    assert feature_channels(model) == (24, ) * 4


def test_ssr_enhances_a_backbone_of_one_size(tiny_sam):
    segmentor = SEGMENTORS.build(dict(
        type='SSR', model=built(), alpha=0.99, pseudo_threshold=0.1, max_iters=4,
        regularizer=dict(encoder=tiny_sam, stages=[2, 3])))
    assert [p.out_features for p in segmentor.regularizer.projections.values()] == [24, 24]
    segmentor.train()
    metas = [dict(img_norm_cfg=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]))]
    before = segmentor.regularizer.projections['2'].weight.clone()
    segmentor.train_step(dict(
        img=torch.randn(1, 3, 64, 64), img_metas=metas,
        gt_semantic_seg=torch.randint(0, CLASSES, (1, 1, 64, 64)),
        target_img=torch.randn(1, 3, 64, 64), target_img_metas=metas),
        torch.optim.SGD(segmentor.parameters(), lr=0.1))
    assert not torch.equal(segmentor.regularizer.projections['2'].weight, before)
