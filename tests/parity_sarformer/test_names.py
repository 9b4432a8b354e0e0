"""Names, shapes and numbers of parameters of the published networks, without their weights."""
import json

import pytest
import torch
from mmseg.models.builder import BACKBONES, HEADS

from .cases import OWN_DATA, UNUSED, cases_of

MANIFEST = json.loads((OWN_DATA / 'manifest.json').read_text(encoding='utf-8'))
LARGE_INDEXES = [[0, 5], [6, 11], [12, 17], [18, 23]]
SIZES = {
    'base': (dict(), dict()),
    'large': (dict(embed_dims=1024, num_layers=24, num_heads=16, deform_num_heads=16,
                   drop_path_rate=0.2, init_values=1e-6, interaction_indexes=LARGE_INDEXES),
              dict(feat_channels=1024,
                   pixel_decoder=dict(num_heads=32, feedforward_channels=4096),
                   transformer_decoder=dict(num_heads=32, feedforward_channels=4096))),
}


def networks(size):
    backbone, head = SIZES[size]
    with torch.device('meta'):
        return torch.nn.ModuleDict(dict(
            backbone=BACKBONES.build(dict(type='BEiTAdapter', **backbone)),
            decode_head=HEADS.build(dict(
                type='SARFormerHead', num_classes=150,
                in_channels=[backbone.get('embed_dims', 768)] * 4, **head))))


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_names_and_shapes_of_the_base_network():
    published = {name: tuple(shape) for name, shape in MANIFEST['base_names_and_shapes'].items()}
    own = {name: tuple(value.shape) for name, value in networks('base').state_dict().items()}
    left = published.keys() - own.keys()
    assert own.items() <= published.items()
    assert left and all(UNUSED in name for name in left)


@pytest.mark.parametrize('size', SIZES)
def test_numbers_of_parameters(size):
    published, own = MANIFEST['parameters'][size], networks(size)
    adapter = count(own['backbone']) - count(own['backbone'].layers) - count(
        own['backbone'].patch_embed) - own['backbone'].cls_token.numel()
    assert count(own['backbone']) == published['backbone']
    assert adapter == published['adapter']
    assert count(own['decode_head'].pixel_decoder) == published['pixel_decoder']
    assert count(own['decode_head'].transformer_decoder) == published['transformer_decoder']


def test_every_case_has_a_test():
    known = ('06_beit_adapter', '06_beit_positions', '07_mask2former_head', '07_sarformer_head',
             '08_sarformer_steps')
    cases = cases_of('')
    assert cases and all(case.name.startswith(known) for case in cases)
