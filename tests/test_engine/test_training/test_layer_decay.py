from copy import deepcopy

import pytest
import tiny_networks
import tiny_training
import torch
from mmcv import Config
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.engine.build import build_training_model
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.on_device import OnDevice
from mmseg_ssr.engine.training.optimizer import build_optimizer
from mmseg_ssr.errors import ConfigError

NAME = 'LearningRateDecayOptimizerConstructor'
BY_LAYER = dict(type='AdamW', lr=1., weight_decay=0.1, constructor=NAME,
                paramwise_cfg=dict(num_layers=2, decay_rate=0.5))
BEIT = dict(type='BEiT', img_size=(64, 64), patch_size=16, embed_dims=16, num_layers=2,
            num_heads=2, out_indices=(0, 1), qv_bias=True)
HEAD = dict(type='FCNHead', in_channels=16, in_index=1, channels=8, num_convs=1,
            concat_input=False, num_classes=19)


def rates(model, **options):
    """Name of a parameter -> (learning rate, weight decay)."""
    optimizer = build_optimizer(Config(dict(optimizer=dict(BY_LAYER, **options))),
                                OnDevice(model, torch.device('cpu')))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(parameter)]: (group['lr'], group['weight_decay'])
            for group in optimizer.param_groups for parameter in group['params']}


def segmentor(backbone=BEIT, head=HEAD, **options):
    return tiny_networks.plain(deepcopy(backbone), deepcopy(head), **options)


@pytest.mark.parametrize('name', [NAME, f'mmseg.{NAME}'])
def test_mmsegs_constructor_works_by_name(name):
    found = rates(SEGMENTORS.build(segmentor()), constructor=name)
    assert found['backbone.patch_embed.projection.weight'] == (0.125, 0.1)
    assert found['backbone.layers.0.attn.proj.weight'] == (0.25, 0.1)
    assert found['backbone.layers.1.attn.proj.bias'] == (0.5, 0.)
    assert found['decode_head.conv_seg.weight'] == (1., 0.1)


def test_the_former_constructor_works_too():
    found = rates(SEGMENTORS.build(segmentor()), constructor='LayerDecayOptimizerConstructor',
                  paramwise_cfg=dict(num_layers=2, layer_decay_rate=0.5))
    assert found['backbone.layers.0.attn.proj.weight'] == (0.25, 0.1)


def test_a_students_layers_have_their_rates_and_the_methods_parts_that_of_the_head():
    cfg = Config(dict(
        uda=dict(type='SSR', alpha=0.9, regularizer=tiny_training.tiny_regularizer()
                 | dict(stages=[0])), runner=dict(max_iters=2), model=segmentor()))
    model = build_training_model(cfg, 0)
    found = rates(model)
    assert found.keys() == {name for name, p in model.named_parameters() if p.requires_grad}
    assert found['model.backbone.layers.0.attn.proj.weight'] == (0.25, 0.1)
    assert found['model.decode_head.conv_seg.weight'] == (1., 0.1)
    beside = [name for name in found if not name.startswith('model.')]
    assert beside and all(found[name] == (1., 0. if name.endswith('bias') else 0.1)
                          for name in beside if 'norm' not in name)
    assert 'regularizer_of_the_method' not in dict(model.model.named_children())


def test_layers_of_a_vit_of_timm():
    found = rates(SEGMENTORS.build(segmentor(
        tiny_networks.VIT, dict(HEAD, in_channels=24, in_index=0))))
    lr = {name: values[0] for name, values in found.items()}
    inside = 'backbone.timm_model.'
    assert [lr[f'{inside}{name}'] for name in (
        'cls_token', 'pos_embed', 'patch_embed.proj.weight', 'blocks.0.attn.qkv.weight',
        'blocks.1.attn.qkv.weight', 'norm.weight')] == [0.125, 0.125, 0.125, 0.25, 0.5, 1.]


@pytest.mark.parametrize('kind, expected', [
    # mmseg: stem 0, then 1, 2, 3 + block // 3, num_layers
    ('layer_wise', [1/128, 1/64, 1/32, 1/32, 1/16, 1/16, 1/2, 1/2, 1.]),
    ('stage_wise', [1/128, 1/64, 1/128, 1/32, 1/128, 1/16, 1/128, 1/8, 1.])])
def test_layers_of_a_convnext_of_timm(kind, expected):
    found = rates(SEGMENTORS.build(segmentor(tiny_networks.CONVNEXT, dict(
        HEAD, in_channels=24, in_index=3))), paramwise_cfg=dict(
            num_layers=6, decay_rate=0.5, decay_type=kind))
    names = ['stem.0.weight', 'stages.0.blocks.0.conv_dw.weight']
    for i in (1, 2, 3):
        names += [f'stages.{i}.downsample.1.weight', f'stages.{i}.blocks.0.conv_dw.weight']
    lr = [found[f'backbone.timm_model.{name}'][0] for name in names]
    assert [*lr, found['decode_head.conv_seg.weight'][0]] == expected


@pytest.mark.parametrize('backbone, options, message', [
    (tiny_networks.MIT, {}, r'those of model.backbone \(MiT\): give learning rates by name'),
    (BEIT, dict(decay_type='stage_wise'), r'knows the layers of ConvNeXt alone.*\(BEiT\)'),
    (tiny_networks.HIERA, {}, r'model.backbone \(HieraDet\)'),
    (BEIT, dict(num_layers=1), r'num_layers is smaller .*layers\.1.* would get 1 times'),
    (dict(BEIT, num_layers=4), {}, r'num_layers is smaller .*layers\.2.* would get 1 times')])
def test_layers_that_are_not_known_are_refused(backbone, options, message):
    model = SEGMENTORS.build(segmentor(backbone))
    paramwise = dict(BY_LAYER['paramwise_cfg'], **options)
    with pytest.raises(ConfigError, match=message):
        rates(model, paramwise_cfg=paramwise)


@pytest.mark.parametrize('options, message', [
    (dict(constructor='LearningRateDecayConstructor', paramwise_cfg={}),
     f"unknown optimizer.constructor 'LearningRateDecayConstructor', did you mean '{NAME}'"),
    (dict(constructor='elsewhere.Own'), "unknown optimizer.constructor 'elsewhere.Own'"),
    (dict(constructor=NAME), f'paramwise_cfg needs the key num_layers with {NAME}'),
    (dict(constructor=NAME, paramwise_cfg=dict(num_layers=2, decay_rate=0.5, decay_type='layers')),
     "decay_type must be one of layer_wise, layer_wise_vit, stage_wise, got 'layers'"),
    (dict(constructor=NAME, paramwise_cfg=dict(num_layers=2, decay_rate=0.)),
     'decay_rate must be above 0, got 0.0'),
    (dict(constructor=NAME, paramwise_cfg=dict(
        num_layers=2, decay_rate=0.5, custom_keys=dict(head=dict(lr_mult=2.)))),
     f'paramwise_cfg.custom_keys has no effect with {NAME}'),
    (dict(paramwise_cfg=dict(num_layers=2)), 'paramwise_cfg.num_layers has no effect')])
def test_faults_of_the_constructor_are_found_in_the_config(tmp_path, options, message):
    sections = tiny_training.supervised_config(tmp_path)
    sections['optimizer'] = dict(type='AdamW', lr=0.1, **options)
    with pytest.raises(ConfigError, match=message):
        validate(Config(sections))
