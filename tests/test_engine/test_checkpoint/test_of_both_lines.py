"""Checkpoints of mmseg 1.x in mmseg 0.x, and the layout of those that mmseg 0.x writes.

``tests/mmseg1/test_of_both_lines.py`` is the other half. After a change of the layout, write the
record anew: ``checkpoint_layouts.record(torch.load(FILE), 'mmseg0', DATA)``.
"""
import checkpoint_layouts
import numpy as np
import pytest
import tiny_training
import torch
from mmcv import Config
from mmseg.models import build_segmentor

import mmseg_ssr
from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.checkpoint.weights import load_weights
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import CheckpointError

CPU = torch.device('cpu')


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint as mmseg 1.x writes it: its content and its path."""
    content = checkpoint_layouts.made(checkpoint_layouts.recorded('mmseg1'))
    torch.save(content, tmp_path / 'iter_4.pth')
    return content, str(tmp_path / 'iter_4.pth')


def test_checkpoints_have_the_layout_of_the_record(config, data, tmp_path):
    path = train(config(tiny_training.ssr_config(data, 2)), str(tmp_path), CPU, evaluate=False)
    written = checkpoint_layouts.layout(read_checkpoint(path))
    assert checkpoint_layouts.names(written) == checkpoint_layouts.names(
        checkpoint_layouts.recorded('mmseg0'))


def test_the_student_and_the_teacher_are_loaded(checkpoint):
    content, path = checkpoint
    for role, weights in (('student', content['state_dict']),
                          ('teacher', content['training_state']['teachers'][0]['network'])):
        network = build_segmentor(Config(dict(model=tiny_training.tiny_model())).model)
        assert load_weights(network, path, role)['iter'] == 4
        found = network.state_dict()
        assert found.keys() == weights.keys()
        assert all(torch.equal(found[name], weights[name]) for name in weights)


def test_a_training_begins_from_it(checkpoint, config, data, tmp_path):
    content, path = checkpoint
    sections = dict(tiny_training.method_config(data, 1), load_from=path)
    sections['optimizer'] = dict(type='SGD', lr=0.)
    last = train(config(sections), str(tmp_path / 'new'), CPU, evaluate=False)
    begun = read_checkpoint(last)['state_dict']
    name = 'decode_head.conv_seg.weight'
    assert torch.equal(begun[name], content['state_dict'][name])


def test_it_predicts(checkpoint):
    predictor = mmseg_ssr.load(checkpoint[1], device='cpu')
    assert predictor.classes[0] == 'road'
    assert predictor.predict(np.zeros((32, 64, 3), np.uint8)).label.shape == (32, 64)


def test_it_cannot_be_resumed(checkpoint, config, data, tmp_path):
    with pytest.raises(CheckpointError, match='lacks .*start a new one from its weights with'):
        train(config(tiny_training.ssr_config(data, 6)), str(tmp_path / 'new'), CPU,
              evaluate=False, resume_from=checkpoint[1])
