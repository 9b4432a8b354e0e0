"""Options of inference: the labels that they give, and that they leave no trace."""
import numpy as np
import pytest
import tiny_training
import torch
from mmcv import ConfigDict
from mmseg.models.builder import SEGMENTORS
from torch.nn import functional as F

from mmseg_ssr.engine.testing.inference import (
    check_test_cfg,
    inference_options,
    plain_segmentor,
    predict_labels,
    warn_once,
)
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda.student import compilable, stem
from mmseg_ssr.utils import device
from mmseg_ssr.utils.replaced import replaced

SLIDE = dict(mode='slide', crop_size=[64, 64], stride=[32, 32])
METAS = [[dict(img_shape=(64, 96, 3), ori_shape=(128, 192, 3), pad_shape=(64, 96, 3),
               flip=False)]]


def scene(seed):
    """Four colors in patches of 32 x 32, an image of 64 x 96 and its label."""
    random = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 4, (1, 2, 3), generator=random)
    label = label.repeat_interleave(32, 1).repeat_interleave(32, 2)
    colors = torch.tensor([[2., 0, 0], [0, 2, 0], [0, 0, 2], [-1, -1, -1]])
    noise = 0.3 * torch.randn(1, 3, 64, 96, generator=random)
    return colors[label].permute(0, 3, 1, 2) + noise, label


def hrda_config():
    model = tiny_training.tiny_model('HRDAEncoderDecoder')
    model['decode_head'].update(type='HRDAHead', single_scale_head='DAFormerHead',
                                attention_embed_dim=8)
    return dict(model, scales=[1, 0.5], hr_crop_size=[32, 32], hr_slide_overlapping=False)


@pytest.fixture(scope='module', params=[tiny_training.tiny_model, hrda_config],
                ids=['plain', 'hrda'])
def trained(request):
    """A small network that has learned the colors, in a few iterations."""
    torch.manual_seed(0)
    segmentor = SEGMENTORS.build(ConfigDict(request.param()))
    segmentor.init_weights()
    segmentor.train()
    optimizer = torch.optim.AdamW(segmentor.parameters(), lr=4e-3)
    for i in range(60):
        img, label = scene(i % 8)
        loss = F.cross_entropy(segmentor.encode_decode(img, None), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return segmentor.eval()


@pytest.fixture
def segmentor(trained):
    yield trained
    trained.test_cfg = ConfigDict(mode='whole')


def predict(segmentor, **test_cfg):
    """Labels of an unseen scene, twice as large as the network's input."""
    segmentor.test_cfg = ConfigDict(dict(mode='whole'), **test_cfg)
    with torch.inference_mode(), inference_options(segmentor):
        return predict_labels(segmentor, [scene(50)[0]], METAS)


def test_labels_are_those_of_mmsegs_test(segmentor):
    for test_cfg in ({}, SLIDE):
        labels = predict(segmentor, **test_cfg)
        (expected, ) = segmentor(img=[scene(50)[0]], img_metas=METAS, return_loss=False)
        assert labels.shape == (1, 128, 192) and np.array_equal(labels[0], expected)
    truth = scene(50)[1].repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert (labels == truth).float().mean() > 0.7  # the network has learned something
    assert len(labels.unique()) > 2


@pytest.mark.parametrize('mode', [{}, SLIDE, dict(SLIDE, batched_slide=2)],
                         ids=['whole', 'slide', 'batched'])
@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
@pytest.mark.parametrize('onednn', [False, True], ids=['torch', 'onednn'])
def test_mixed_precision_labels_the_same(segmentor, onednn, dtype, mode):
    exact_mode = {k: v for k, v in mode.items() if k != 'batched_slide'}
    with torch.backends.mkldnn.flags(enabled=onednn):
        expected = predict(segmentor, **exact_mode)
        exact = segmentor.inference(scene(50)[0], METAS[0], True)
        labels = predict(segmentor, amp=dict(dtype=dtype), **mode)
    first, second = exact.topk(2, dim=1).values.unbind(1)
    # torch's kernels round alike on every processor. oneDNN's round as the processor does.
    # Measured: 0.9998 to 1 by torch, 0.9898 to 1 by oneDNN on a processor with AMX.
    assert (labels == expected).float().mean() >= (0.98 if onednn else 0.999)
    # Rounding decides between classes of equal probability. Measured: up to 0.014.
    assert ((first - second)[labels != expected] < 0.02).all()


@pytest.mark.parametrize('mode', [{}, SLIDE], ids=['whole', 'slide'])
def test_logits_are_rounded_in_the_network_and_in_float32_after_it(segmentor, mode):
    img = scene(50)[0]
    segmentor.test_cfg = ConfigDict(dict(mode='whole'), **mode)
    exact = segmentor.inference(img, METAS[0], True)
    segmentor.test_cfg.amp = dict(dtype='bfloat16')
    stages = []
    hook = segmentor.backbone.register_forward_hook(
        lambda module, args, maps: stages.extend(value.dtype for value in maps[1:]))
    with inference_options(segmentor):
        rounded = segmentor.inference(img, METAS[0], True)
    hook.remove()
    assert set(stages) == {torch.bfloat16} and rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.1
    assert not torch.equal(rounded, rounded.bfloat16())  # resized at full precision


def test_the_first_and_the_last_layer_stay_in_float32(segmentor):
    head = getattr(segmentor.decode_head, 'head', segmentor.decode_head)  # of HRDA
    seen = {}
    hooks = [part.register_forward_hook(lambda module, args, out: seen.update(
        {module: out.dtype if isinstance(out, torch.Tensor) else out[0].dtype}))
        for part in (stem(segmentor.backbone), head.conv_seg)]
    predict(segmentor, amp=dict(dtype='bfloat16'))
    for hook in hooks:
        hook.remove()
    assert list(seen.values()) == [torch.float32] * 2


@pytest.mark.parametrize('mode', [{}, SLIDE], ids=['whole', 'slide'])
def test_float32_is_used_where_16_bits_are_slower(segmentor, mode, monkeypatch, caplog):
    monkeypatch.setattr('platform.machine', lambda: 'x86_64')
    monkeypatch.setattr(device, 'has_instructions', lambda dtype: dtype != torch.bfloat16)
    warn_once.cache_clear()
    segmentor.test_cfg = ConfigDict(dict(mode='whole'), **mode)
    exact = segmentor.inference(scene(50)[0], METAS[0], True)
    found = {}
    for dtype in ('bfloat16', 'bfloat16', 'float16'):
        segmentor.test_cfg.amp = dict(dtype=dtype)
        with inference_options(segmentor):
            found[dtype] = segmentor.inference(scene(50)[0], METAS[0], True)
    assert torch.equal(found['bfloat16'], exact) and not torch.equal(found['float16'], exact)
    lines = [message for message in caplog.messages if 'slower' in message]
    assert lines == ['16 bits are slower than float32 on this processor, which has no instructions '
                     'for bfloat16: inference uses float32']


def test_batched_windows_label_the_same(segmentor):
    expected = predict(segmentor, **SLIDE)
    for windows in (1, 2, True):
        assert torch.equal(predict(segmentor, batched_slide=windows, **SLIDE), expected)


def test_probabilities_are_averaged_in_windows(segmentor):
    """Of logits 0, 9 and 0, -1 the mean prefers the second class, of probabilities the first."""
    segmentor.test_cfg = ConfigDict(mode='slide', crop_size=[64, 64], stride=[64, 1],
                                    average='probability')
    windows = iter([[0., 9.], [0., -9.], [4., -20.]])

    def encode_decode(img, metas):
        return torch.tensor(next(windows)).view(1, 2, 1, 1).expand(1, 2, *img.shape[2:])

    img = torch.zeros(1, 3, 64, 66)
    metas = [[dict(METAS[0][0], img_shape=(64, 66, 3), ori_shape=(64, 66, 3))]]
    with torch.no_grad(), replaced(segmentor, encode_decode=encode_decode), \
            inference_options(segmentor):
        probabilities = segmentor.inference(img, metas[0], True)[0, 1, 5]
    first = torch.tensor(9.).sigmoid()
    expected = torch.stack([first, first / 2, first / 3, torch.tensor(0.)])
    torch.testing.assert_close(probabilities[[0, 1, 2, 65]], expected, atol=2e-4, rtol=0)


@pytest.fixture
def compiled(monkeypatch):
    """What ``torch.compile`` is asked to compile, and how often that is run; it stays as it is."""
    calls = []

    def compile(function, **options):
        assert options == dict(dynamic=False)
        return lambda *args: calls.append(function.__self__) or function(*args)

    monkeypatch.setattr(torch, 'compile', compile)
    return calls


def test_backbone_and_head_are_compiled(segmentor, compiled):
    expected = predict(segmentor)
    assert not compiled
    assert torch.equal(predict(segmentor, compile=True), expected)
    parts = set(compilable(segmentor))
    assert set(compiled) == parts and segmentor.backbone in parts
    once = len(compiled)
    predict(segmentor, compile=True, **SLIDE)
    assert len(compiled) == 3 * once  # two windows more


@pytest.mark.soak
def test_the_compiled_network_labels_the_same(segmentor):
    torch.compiler.reset()
    expected = predict(segmentor)
    for amp in (None, dict(dtype='bfloat16')):
        labels = predict(segmentor, compile=True, amp=amp)
        assert (labels == expected).float().mean() >= 0.999


def test_afterwards_the_segmentor_is_as_before(segmentor, compiled):
    before = [dict(vars(module)) for module in segmentor.modules()]
    expected = predict(segmentor)
    segmentor.test_cfg = ConfigDict(
        SLIDE, amp=dict(dtype='bfloat16'), compile=True, batched_slide=2)
    with pytest.raises(KeyError), inference_options(segmentor):
        assert {'encode_decode', '_decode_head_forward_test'} <= set(vars(segmentor))
        raise KeyError
    segmentor.test_cfg = ConfigDict(mode='whole')
    assert [vars(m).keys() for m in segmentor.modules()] == [old.keys() for old in before]
    assert torch.equal(predict(segmentor), expected)


def test_blocks_within_blocks_apply_the_options_once(segmentor):
    segmentor.test_cfg = ConfigDict(mode='whole', logit_shift=[1., *[0.] * 18])
    exact = segmentor.encode_decode(scene(50)[0], None)
    with inference_options(segmentor):
        with inference_options(segmentor):
            within = segmentor.encode_decode(scene(50)[0], None)
        behind = segmentor.encode_decode(scene(50)[0], None)
    assert torch.equal(within[:, 0], exact[:, 0] + 1) and torch.equal(within, behind)
    assert torch.equal(segmentor.encode_decode(scene(50)[0], None), exact)


def test_a_methods_options_are_its_students(method):
    ssr = method(ssr=True, train_cfg=dict()).eval()
    assert plain_segmentor(ssr) is ssr.model
    ssr.model.test_cfg = ConfigDict(SLIDE, batched_slide=3, amp=dict(dtype='bfloat16'))
    sizes, encode = [], type(ssr.model).encode_decode
    img, metas = torch.randn(1, 3, 64, 96), [[dict(METAS[0][0], ori_shape=(64, 96, 3))]]
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(ssr.model), 'encode_decode', lambda self, img, metas: (
            sizes.append(len(img)), encode(self, img, metas))[1])
        with inference_options(ssr):
            labels = predict_labels(ssr, [img], metas)
    assert sizes == [2] and labels.shape == (1, 64, 96)


class Foreign(torch.nn.Module):
    """No encoder-decoder: predicts class 7 everywhere."""

    def forward(self, img, img_metas, return_loss):
        return [np.full((4, 5), 7)]


def test_a_model_without_test_cfg_is_asked_as_mmseg_asks():
    with inference_options(Foreign()):
        assert predict_labels(Foreign(), [None], METAS).eq(7).all()


def test_flipped_and_repeated_images_are_mmsegs_business(segmentor):
    img = scene(50)[0]
    flipped = [[dict(METAS[0][0], flip=True, flip_direction='horizontal')]]
    for imgs, metas in (([img], flipped), ([img, img.flip(3)], METAS + flipped)):
        (expected, ) = segmentor(img=imgs, img_metas=metas, return_loss=False)
        assert np.array_equal(predict_labels(segmentor, imgs, metas)[0], expected)


def test_one_logit_for_two_classes_is_compared_with_a_threshold(daformer_b0):
    daformer_b0.decode_head = dict(
        type='FCNHead', in_channels=256, in_index=3, channels=8, num_convs=1, num_classes=2,
        out_channels=1, threshold=0.5,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True))
    segmentor = SEGMENTORS.build(daformer_b0).eval()
    img = torch.randn(1, 3, 64, 96)
    (expected, ) = segmentor(img=[img], img_metas=METAS, return_loss=False)
    assert np.array_equal(predict_labels(segmentor, [img], METAS)[0], expected)
    assert 0 < expected.mean() < 1


@pytest.mark.parametrize('values, message', [
    (dict(mode='slid'), "test_cfg.mode must be whole or slide, got 'slid', did you mean 'slide'"),
    (dict(mode='slide', stride=[8, 8]), 'test_cfg.crop_size must be .height, width.'),
    (dict(SLIDE, crop_size=64), 'test_cfg.crop_size must be .* got 64'),
    (dict(SLIDE, stride=[32, 0]), 'test_cfg.stride must be'),
    (dict(SLIDE, stride=[32, 65]), r'stride \[32, 65\] leaves gaps between .* \[64, 64\]'),
    (dict(batched_slide=-1), 'test_cfg.batched_slide must be .* got -1'),
    (dict(batched_slide='all'), "batched_slide must be .* got 'all'"),
    (dict(average='mean'), "test_cfg.average must be logit or probability, got 'mean'"),
    (dict(amp='bfloat16'), r"amp must be dict\(dtype='bfloat16'\) .* got 'bfloat16'"),
    (dict(amp=dict(dtype='float8')), 'test_cfg.amp must be'),
    (dict(amp=dict()), 'test_cfg.amp must be'),
    (dict(compile='yes'), "test_cfg.compile must be True or False, got 'yes'"),
])
def test_wrong_values(segmentor, values, message):
    with pytest.raises(ConfigError, match=message):
        check_test_cfg(values)
    segmentor.test_cfg = ConfigDict(values)
    with pytest.raises(ConfigError, match=message), inference_options(segmentor):
        pass


@pytest.mark.parametrize('values', [
    {}, dict(mode='whole'), SLIDE, dict(SLIDE, batched_slide=True),
    dict(SLIDE, average='logit'), dict(SLIDE, average='probability'),
    dict(SLIDE, crop_size=(64, 64), batched_slide=8), dict(amp=None, compile=False)])
def test_right_values(values):
    check_test_cfg(values)
