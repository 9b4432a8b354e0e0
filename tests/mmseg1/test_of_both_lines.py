"""Checkpoints of mmseg 0.x in mmseg 1.x, and the layout of those that mmseg 1.x writes.

``tests/test_engine/test_checkpoint/test_of_both_lines.py`` is the other half. After a change of the
layout, write the record anew: ``checkpoint_layouts.record(torch.load(FILE), 'mmseg1', DATA)``.
"""
import checkpoint_layouts
import pytest
import tiny_mmseg1
import torch
from mmengine.config import Config
from mmseg.apis import inference_model, init_model

from mmseg_ssr.errors import CheckpointError


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint as mmseg 0.x writes it: its content and its path."""
    content = checkpoint_layouts.made(checkpoint_layouts.recorded('mmseg0'))
    torch.save(content, tmp_path / 'iter_2.pth')
    return content, str(tmp_path / 'iter_2.pth')


def same(network, weights):
    found = network.state_dict()
    return found.keys() == weights.keys() and all(
        torch.equal(found[name], weights[name]) for name in weights)


def test_checkpoints_have_the_layout_of_the_record(trained):
    folder, _ = trained
    written = checkpoint_layouts.layout(torch.load(folder / 'iter_4.pth', weights_only=True))
    assert checkpoint_layouts.names(written) == checkpoint_layouts.names(
        checkpoint_layouts.recorded('mmseg1'))


@pytest.mark.parametrize('model', [tiny_mmseg1.ssr(), tiny_mmseg1.tiny_model(
    data_preprocessor=tiny_mmseg1.preprocessor())], ids=['method', 'plain'])
def test_init_model_loads_it(checkpoint, data, model):
    content, path = checkpoint
    network = init_model(Config(tiny_mmseg1.sections(data, model)), path, device='cpu')
    assert same(network, content['state_dict'])
    assert network.dataset_meta['classes'][0] == 'road'
    image = next((data / 'cityscapes/leftImg8bit/val').rglob('*.png'))
    assert inference_model(network, str(image)).pred_sem_seg.data.shape == (1, 32, 64)


def test_a_training_begins_from_it(checkpoint, runner):
    content, path = checkpoint
    training = runner(tiny_mmseg1.method(), load_from=path)
    training.load_or_resume()
    assert same(training.model, content['state_dict']) and training.model.iteration == 0


def test_it_cannot_be_resumed(checkpoint, runner):
    with pytest.raises(CheckpointError, match='not one of a training with mmseg 1.x'):
        runner(tiny_mmseg1.ssr(), resume=True, load_from=checkpoint[1]).load_or_resume()
