import pytest
import tiny_training
import torch
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.engine.checkpoint.files import write_checkpoint
from mmseg_ssr.engine.checkpoint.weights import apply_weights, load_weights, network_weights
from mmseg_ssr.errors import CheckpointError, ConfigError


@pytest.fixture
def model():
    return SEGMENTORS.build(tiny_training.tiny_model())


@pytest.fixture
def weights(model):
    """Weights for ``model`` other than its own."""
    random = torch.Generator().manual_seed(1)
    return {name: torch.rand(tensor.shape, generator=random).to(tensor.dtype)
            for name, tensor in model.state_dict().items()}


def predecessor(weights, extra=(), module=''):
    """A state dict as DAFormer, HRDA, MIC and SSR save it: the teacher is the student plus 1."""
    state = {f'{module}model.{name}': tensor for name, tensor in weights.items()}
    state.update({f'{module}ema_model.{name}': tensor + 1 for name, tensor in weights.items()})
    state.update({f'{module}imnet_model.{name}': tensor + 2 for name, tensor in weights.items()})
    state.update({name: torch.ones(1) for name in extra})
    return dict(state_dict=state, meta=dict(iter=40000))


def holds(model, weights, plus=0):
    return all(torch.equal(tensor, weights[name] + plus)
               for name, tensor in model.state_dict().items())


SSR_EXTRA = ('predictor.pos_embed', 'embedding_layer.0.proj.weight', 'fusion_layer.3.q.weight')


@pytest.mark.parametrize('module', ['', 'module.'])
@pytest.mark.parametrize('extra', [(), SSR_EXTRA, ('mic.ema_model.backbone.x', )])
def test_predecessors(model, weights, extra, module):
    checkpoint = predecessor(weights, extra, module)
    apply_weights(checkpoint, model, 'x.pth')
    assert holds(model, weights)
    apply_weights(checkpoint, model, 'x.pth', 'teacher')
    assert holds(model, weights, plus=1)


def test_distributed_marks_inside(model, weights):
    apply_weights(dict(state_dict={f'model.module.{k}': v for k, v in weights.items()}), model, 'x')
    assert holds(model, weights)


@pytest.mark.parametrize('module', ['', 'module.'])
def test_plain_checkpoints_and_bare_state_dicts(model, weights, module):
    state = {f'{module}{name}': tensor for name, tensor in weights.items()}
    apply_weights(dict(state_dict=state), model, 'x.pth')
    assert holds(model, weights)
    other = SEGMENTORS.build(tiny_training.tiny_model())
    apply_weights(state, other, 'x.pth')
    assert holds(other, weights)


def test_checkpoints_of_stock_training_with_ssr_encoder_decoder(model, weights):
    apply_weights(dict(state_dict={**weights, 'regularizer.projections.0.weight': torch.ones(1)}),
                  model, 'x.pth')
    assert holds(model, weights)


def test_own_checkpoints(tmp_path, method, model, weights):
    teacher = {name: tensor + 1 for name, tensor in weights.items()}
    path = str(tmp_path / 'iter_4.pth')
    write_checkpoint(dict(state_dict=weights, meta=dict(iter=4), training_state=dict(
        teachers=[dict(updates=3, network=teacher)])), path)
    assert load_weights(model, path) == dict(iter=4)
    assert holds(model, weights)
    load_weights(model, path, 'teacher')
    assert holds(model, weights, plus=1)


def test_weights_land_in_the_student_of_a_method(method):
    segmentor = method()
    weights = {name: torch.rand(tensor.shape).to(tensor.dtype)
               for name, tensor in segmentor.model.state_dict().items()}
    apply_weights(predecessor(weights), segmentor, 'x.pth')
    assert holds(segmentor.model, weights)


@pytest.mark.parametrize('checkpoint', [
    dict(state_dict=dict(x=torch.ones(1)), training_state=dict(teachers=[])),
    dict(state_dict={'backbone.x': torch.ones(1)}),
])
def test_no_teacher(checkpoint):
    with pytest.raises(CheckpointError, match='teacher.*give --weights student'):
        network_weights(checkpoint, 'teacher')


def test_another_model(model):
    with pytest.raises(CheckpointError, match=r'x.pth is of another model: none of its 2 tensors '
                                              r'is in this one \(layer1.w, layer2.w there, '
                                              r'backbone.*here\)'):
        apply_weights(dict(state_dict={'layer1.w': torch.ones(1), 'layer2.w': torch.ones(1)}),
                      model, 'x.pth')


def test_partly(model, weights):
    untouched = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    del weights['decode_head.conv_seg.bias']
    weights['decode_head.conv_seg.weight'] = torch.ones(13, 8, 1, 1)
    weights['auxiliary_head.conv_seg.bias'] = torch.ones(1)
    with pytest.raises(CheckpointError, match=(
            r'1 missing \(decode_head.conv_seg.bias\), '
            r'1 unexpected \(auxiliary_head.conv_seg.bias\), '
            r'1 of another shape \(decode_head.conv_seg.weight \(13, 8, 1, 1\) for \(19, 8')):
        apply_weights(dict(state_dict=weights), model, 'x.pth')
    assert holds(model, untouched)


@pytest.mark.parametrize('state', [{}, {'ema_model.backbone.x': torch.ones(1),
                                        'model.backbone.x': 'no tensor'}])
def test_no_network_at_all(model, state):
    with pytest.raises(CheckpointError, match='holds no student network'):
        apply_weights(dict(state_dict=state), model, 'x.pth')


def test_a_role_that_there_is_not(model):
    with pytest.raises(ConfigError, match="student or the teacher, got 'teachr', did you mean 't"):
        apply_weights(dict(state_dict=model.state_dict()), model, 'x.pth', 'teachr')


def test_of_several_teachers_the_methods_comes_first(weights):
    other = {name: tensor + 5 for name, tensor in weights.items()}
    checkpoint = dict(state_dict={}, training_state=dict(
        teachers=[dict(network=weights), dict(network=other)]))
    assert network_weights(checkpoint, 'teacher') is weights


def test_marks_of_distributed_training_at_both_ends(model, weights):
    apply_weights(dict(state_dict={f'module.model.module.{name}': tensor
                                   for name, tensor in weights.items()}), model, 'x.pth')
    assert holds(model, weights)


def test_weights_that_are_no_numbers_are_refused(model, weights):
    weights['decode_head.conv_seg.bias'][3] = float('nan')
    with pytest.raises(CheckpointError, match='x.pth: decode_head.conv_seg.bias'):
        apply_weights(dict(state_dict=weights), model, 'x.pth')


def test_a_checkpoint_without_meta_has_an_empty_one(tmp_path, model, weights):
    write_checkpoint(dict(state_dict=weights), str(tmp_path / 'x.pth'))
    assert load_weights(model, str(tmp_path / 'x.pth')) == {}
