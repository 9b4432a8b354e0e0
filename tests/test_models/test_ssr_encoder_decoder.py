from copy import deepcopy

import pytest
import torch
from mmcv.runner.checkpoint import get_state_dict
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.host import EncoderDecoder
from mmseg_ssr.regularizer import build_regularizer
from mmseg_ssr.regularizer.feature_regularizer import default_heads
from mmseg_ssr.uda.student import supervised_losses


@pytest.fixture
def config(daformer_b0, tiny_sam):
    return dict(daformer_b0, type='SSREncoderDecoder', regularizer=dict(encoder=tiny_sam))


def for_testing(config):
    model = SEGMENTORS.build(dict(deepcopy(config), train_cfg=None))
    return model.eval()


def test_both_branches_are_trained(config, batch):
    model = SEGMENTORS.build(config).train()
    losses = model.forward_train(batch['img'], batch['img_metas'], batch['gt_semantic_seg'])
    assert set(losses) == {'decode.loss_ce', 'decode.acc_seg', 'enhanced.loss_ce',
                           'enhanced.acc_seg'}
    losses['enhanced.loss_ce'].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0
               for p in model.regularizer.parameters())
    assert model.backbone.patch_embed1.proj.weight.grad.abs().sum() > 0


def test_inference_is_the_plain_segmentor_to_the_bit(config, daformer_b0):
    trained = SEGMENTORS.build(config)
    tested, plain = for_testing(config), SEGMENTORS.build(daformer_b0).eval()
    state = get_state_dict(trained)
    for model in (tested, plain):
        missing, unexpected = model.load_state_dict(state)
        assert not missing and not unexpected

    img, metas = torch.randn(1, 3, 64, 96), [
        dict(ori_shape=(64, 96, 3), img_shape=(64, 96, 3), flip=False)]
    with torch.no_grad():
        assert torch.equal(tested.inference(img, metas, True), plain.inference(img, metas, True))
    assert sum(p.numel() for p in tested.parameters()) == sum(
        p.numel() for p in plain.parameters())
    assert tested.regularizer is None


def test_inference_runs_the_very_operations_of_the_plain_segmentor(config, daformer_b0):
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recorder(TorchDispatchMode):
        def __init__(self):
            super().__init__()
            self.calls = []

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.calls.append((str(func), [tuple(a.shape) for a in args if torch.is_tensor(a)]))
            return func(*args, **(kwargs or {}))

    calls = []
    for model in (for_testing(config), SEGMENTORS.build(daformer_b0).eval()):
        with Recorder() as recorder, torch.no_grad():
            model.encode_decode(torch.zeros(1, 3, 64, 64), None)
        calls.append(recorder.calls)
    assert calls[0] == calls[1] and len(calls[0]) > 100


def test_training_state_brings_the_regularizer_back(config):
    one = SEGMENTORS.build(deepcopy(config))
    two = SEGMENTORS.build(deepcopy(config))
    two.load_training_state(one.training_state())
    assert all(torch.equal(a, b) for a, b in zip(one.regularizer.parameters(),
                                                 two.regularizer.parameters()))


def test_the_widths_are_measured_on_the_backbone(config):
    model = SEGMENTORS.build(config)
    assert [p.out_features for p in model.regularizer.projections.values()] == [32, 64, 160, 256]


@pytest.mark.parametrize('widths, heads', [
    ((64, 128, 320, 512), (1, 2, 5, 8)), ((32, 64, 160, 256), (1, 2, 5, 8)),  # MiT
    ((256, 512, 1024, 2048), (8, 8, 8, 8)),  # ResNet-101
    ((112, 224, 448, 896), (8, 8, 8, 8)), ((768, ), (8, )), ((12, 20, 7, 6), (4, 4, 1, 2))])
def test_heads_follow_from_the_widths(widths, heads):
    assert default_heads(widths) == heads


def test_widths_and_heads_can_be_given(daformer_b0, tiny_sam):
    segmentor = SEGMENTORS.build(daformer_b0)
    given = build_regularizer(segmentor, tiny_sam, stages=[1, 3], channels=[32, 64, 160, 256],
                              num_heads=[1, 4, 5, 2])
    assert {stage: attention.num_heads for stage, attention in given.attentions.items()} == {
        '1': 4, '3': 2}
    for options, message in ((dict(num_heads=[1, 2]), 'num_heads must give one number for each'),
                             (dict(num_heads=[3, 2, 5, 8]), 'regularizer: .*3'),
                             (dict(stages=[4]), 'regularizer: stages must be some of')):
        with pytest.raises(ConfigError, match=message):
            build_regularizer(segmentor, tiny_sam, **options)


def test_training_one_that_was_built_for_testing_is_an_error(config, batch):
    with pytest.raises(ConfigError, match=r'train_cfg=dict\(\)'):
        for_testing(config).forward_train(batch['img'], batch['img_metas'],
                                          batch['gt_semantic_seg'])


def test_training_without_regularizer_is_an_error(daformer_b0):
    with pytest.raises(ConfigError, match='regularizer=dict'):
        SEGMENTORS.build(dict(daformer_b0, type='SSREncoderDecoder'))


def mic_step(model, batch):
    """The calls of a segmentor in MIC's ``DACS.forward_train`` and its masked view."""
    total = {}

    def backward(losses, prefix):
        assert all('loss' in name or 'acc' in name for name in losses)
        sum(value.mean() for name, value in losses.items() if 'loss' in name).backward()
        total.update({f'{prefix}{name}': value.item() for name, value in losses.items()})

    clean = model.forward_train(batch['img'], batch['img_metas'], batch['gt_semantic_seg'],
                                return_feat=True)
    features = clean.pop('features')
    assert len(features) == 4 and all(stage.requires_grad for stage in features)
    backward(clean, '')
    weight = torch.full(batch['img'][:, 0].shape, 0.5)
    backward(model.forward_train(batch['target_img'], batch['img_metas'],
                                 batch['gt_semantic_seg'], seg_weight=weight, return_feat=False),
             'mix.')
    backward(model.forward_train(batch['target_img'], batch['img_metas'],
                                 batch['gt_semantic_seg'], seg_weight=None), 'masked.')
    return total


@pytest.fixture
def without_chance(config):
    """A config of a network without dropout, whose losses repeat."""
    config['backbone']['drop_path_rate'] = 0.
    config['decode_head']['dropout_ratio'] = 0.
    return config


def test_dacs_of_mic_trains_it(without_chance, batch):
    model = SEGMENTORS.build(without_chance).train()
    losses = mic_step(model, batch)
    assert losses.keys() == {f'{view}{branch}.{name}' for view in ('', 'mix.', 'masked.')
                             for branch in ('decode', 'enhanced') for name in ('loss_ce',
                                                                               'acc_seg')}
    for branch in ('decode', 'enhanced'):  # weights of a half give half the loss
        assert losses[f'mix.{branch}.loss_ce'] == pytest.approx(
            losses[f'masked.{branch}.loss_ce'] / 2, rel=1e-4)
    assert all(p.grad.abs().sum() > 0 for p in model.regularizer.parameters())


def test_it_leaves_the_shadow_branch_to_a_host_of_that_family(without_chance, batch, monkeypatch):
    """MIC's own ``EncoderDecoder`` draws pictures of its training, and its heads take weights."""
    calls = []

    def forward_train(self, img, img_metas, gt_semantic_seg, seg_weight=None, return_feat=False,
                      return_logits=False):
        calls.append((seg_weight is not None, return_feat))
        features = self.extract_feat(img)
        losses = dict(features=features) if return_feat else {}
        for name, value in supervised_losses(self.decode_head, features, gt_semantic_seg,
                                             seg_weight).items():
            losses[f'decode.{name}'] = value
        return losses

    model = SEGMENTORS.build(without_chance).train()
    expected = mic_step(model, batch)
    monkeypatch.setattr(EncoderDecoder, 'forward_train', forward_train)
    losses = mic_step(model, batch)
    assert losses.keys() == expected.keys()
    assert all(losses[name] == pytest.approx(value, rel=1e-4)
               for name, value in expected.items() if 'loss' in name)
    assert calls == [(False, True), (True, True), (False, True)]


def test_auxiliary_heads_take_the_weights_too(without_chance, batch):
    without_chance['auxiliary_head'] = dict(
        type='FCNHead', in_channels=160, in_index=2, channels=8, num_convs=1, num_classes=19,
        concat_input=False, dropout_ratio=0., align_corners=False)
    losses = mic_step(SEGMENTORS.build(without_chance).train(), batch)
    assert losses['mix.aux.loss_ce'] == pytest.approx(losses['masked.aux.loss_ce'] / 2, rel=1e-4)
