"""Names, shapes and numbers of parameters of the published networks S, B and L."""
import json

import pytest
import torch
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.engine.checkpoint.weights import apply_weights
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.errors import CheckpointError

from .cases import OWN_DATA, ROOT, cases_of, published

NETWORKS = json.loads((OWN_DATA / 'manifest.json').read_text(encoding='utf-8'))['networks']
SIZES = {'dinov2_vits14': 's', 'dinov2_vitb14': 'b', 'dinov2_vitl14': 'l'}
#: Every case has a test that looks for its beginning.
TESTED = ('09', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19', '20', '21', '22', '23')


@pytest.fixture(scope='module', params=SIZES)
def network(request):
    """The published facts of a size, and our segmentor of its config, without weights."""
    file = ROOT / f'configs/_base_/models/vfmudapp_dinov2_{SIZES[request.param]}.py'
    config = load_config(str(file)).model
    config.pretrained = None
    with torch.device('meta'):
        return NETWORKS[request.param], SEGMENTORS.build(config)


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_names_and_shapes(network):
    facts, segmentor = network
    own = {published(name): list(value.shape) for name, value in segmentor.state_dict().items()}
    assert own == facts['names'] and len(own) == facts['tensors']


def test_numbers_of_parameters(network):
    facts, segmentor = network
    backbone = segmentor.backbone
    assert count(backbone.vit) == facts['vit']
    assert count(backbone) - count(backbone.vit) == facts['adapter']
    assert count(segmentor.decode_head) == facts['decoder']
    assert backbone.interaction_indexes == [tuple(pair) for pair in facts['interaction_indexes']]
    assert backbone.interactions[0].injector.attn.num_heads == facts['adapter_heads']


def lightning(facts):
    """A published file of a size, with the parts of a training that no test needs."""
    state = {name: torch.empty(shape, device='meta', dtype=torch.long if name.endswith(
        'num_batches_tracked') else None) for name, shape in facts['names'].items()}
    beside = {name.replace('network.', 'network_ema.', 1): value for name, value in state.items()}
    return dict(state_dict={**state, **beside, 'metrics.0.confmat': torch.empty(19, 19)})


def test_published_files_fit(network):
    facts, segmentor = network
    file = lightning(facts)
    apply_weights(file, segmentor, 'published.ckpt')
    del file['state_dict']['network.encoder.level_embed']
    with pytest.raises(CheckpointError, match='1 missing .backbone.level_embed.'):
        apply_weights(file, segmentor, 'published.ckpt')


def test_every_case_has_a_test():
    cases = cases_of('')
    assert cases and all(case.name.startswith(TESTED) for case in cases)
