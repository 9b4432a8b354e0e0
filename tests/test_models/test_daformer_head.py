import pytest
import torch
from mmseg.models.builder import HEADS

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.layers.winograd import WinogradConv2d

NORM = dict(type='BN', requires_grad=True)
ASPP = dict(type='aspp', sep=True, dilations=(1, 6), pool=False, act_cfg=dict(type='ReLU'),
            norm_cfg=NORM)
MLP = dict(type='mlp', act_cfg=None, norm_cfg=None)


def build(channels=8, **params):
    decoder = dict(dict(embed_dims=8, embed_cfg=MLP, embed_neck_cfg=MLP, fusion_cfg=ASPP), **params)
    return HEADS.build(dict(
        type='DAFormerHead', in_channels=[4, 8, 10, 16], channels=channels, num_classes=5,
        norm_cfg=NORM, decoder_params=decoder))


def features():
    return [torch.randn(2, c, s, s) for c, s in zip((4, 8, 10, 16), (16, 8, 4, 2))]


CONV = dict(type='conv', kernel_size=1, act_cfg=dict(type='ReLU'), norm_cfg=NORM)


@pytest.mark.parametrize('params', [
    {}, dict(fusion_cfg=dict(ASPP, sep=False)), dict(fusion_cfg=dict(ASPP, pool=True)),
    dict(fusion_cfg=dict(ASPP, context_cfg=CONV)), dict(fusion_cfg=CONV),
    dict(fusion_cfg=dict(CONV, type='sep_conv', kernel_size=3)),
    dict(embed_neck_cfg=dict(ASPP, type='rawconv_and_aspp', kernel_size=1)),
    dict(embed_neck_cfg='same_as_embed_cfg'), dict(embed_dims=[4, 8, 8, 8]),
    dict(embed_cfg=dict(type='id'), embed_neck_cfg=dict(type='id'), embed_dims=[4, 8, 10, 16]),
])
def test_every_decoder_layer_of_the_published_configs(params):
    head = build(**params)
    assert head(features()).shape == (2, 5, 16, 16)


@pytest.mark.parametrize('part, params', [
    ('fuse_layer', dict(fusion_cfg=dict(ASPP, sep=False))),
    ('fuse_layer', dict(fusion_cfg=dict(ASPP, pool=True))),
    ('fuse_layer', dict(fusion_cfg=dict(ASPP, context_cfg=CONV))),
    ('embed_layers.3', dict(embed_neck_cfg=dict(ASPP, type='rawconv_and_aspp', kernel_size=1))),
    ('embed_layers.0', dict(embed_dims=[4, 8, 8, 8])),
])
def test_an_option_changes_the_layer_that_it_is_of(part, params):
    plain, changed = ({(name, tuple(p.shape)) for name, p in head.named_parameters()}
                      for head in (build(), build(**params)))
    assert {name for name, _ in plain ^ changed if name.startswith(part)}


def test_the_neck_can_be_as_the_other_layers():
    alike = build(embed_cfg=CONV, embed_neck_cfg='same_as_embed_cfg').embed_layers
    first, neck = (alike[stage].state_dict().keys() for stage in '03')
    assert neck == first != build(embed_cfg=CONV).embed_layers['3'].state_dict().keys()


def test_every_stage_reaches_the_logits():
    maps = [f.requires_grad_() for f in features()]
    build()(maps).square().sum().backward()
    assert all(f.grad.abs().sum() > 0 for f in maps)


@pytest.mark.parametrize('params, message', [
    (dict(fusion_cfg=dict(ASPP, dilation=(1, ))), "no argument 'dilation', did you mean"),
    (dict(fusion_cfg=dict(type='asp')), "got 'asp', did you mean 'aspp'"),
    (dict(fusion_cfg=dict(type='aspp', sep=True)), 'dilations'),
    (dict(embed_dim=8), "no key 'embed_dim', did you mean 'embed_dims'"),
    (dict(embed_cfg=dict(MLP, norm_cfg=NORM)), 'set both to None'),
])
def test_misspelled_options_are_named(params, message):
    with pytest.raises(ConfigError, match=message):
        build(**params)


def test_its_wide_convolution_is_computed_by_winograd():
    head = build(channels=256, embed_dims=256, fusion_cfg=dict(ASPP, dilations=(1, 6, 12, 18)))
    assert [name for name, module in head.named_modules()
            if isinstance(module, WinogradConv2d)] == ['fuse_layer.bottleneck.conv']
