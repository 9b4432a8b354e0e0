import pytest
import tiny_training
import torch

from mmseg_ssr.engine.testing import evaluate as evaluation
from mmseg_ssr.engine.testing.hook import failed_evaluation
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import ConfigError, DataError, explained
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')


def test_evaluation_during_training_leaves_no_trace(data, config, tmp_path):
    sections = tiny_training.method_config(data, 2)
    sections['evaluation']['interval'] = 1
    # A test pipeline that draws: what it draws must not be missing in the training.
    sections['data']['val']['pipeline'][1]['transforms'].insert(0, dict(type='RandomFlip'))
    cfg = config(sections)
    with_it, without = (
        torch.load(train(cfg, str(tmp_path / str(on)), CPU, evaluate=on), weights_only=True)
        for on in (True, False))
    for name, tensor in with_it['state_dict'].items():
        assert torch.equal(tensor, without['state_dict'][name])


def test_evaluation_during_training_is_not_in_inference_mode(data, config, tmp_path, monkeypatch):
    """What a network keeps from a forward pass must do for training as well."""
    seen = []
    monkeypatch.setattr(evaluation, 'predict_labels', lambda model, img, img_metas: seen.append(
        (model.training, torch.is_grad_enabled(), torch.is_inference_mode_enabled()))
        or torch.zeros(1, 32, 64).long())
    sections = tiny_training.supervised_config(data, 1)
    sections['evaluation']['interval'] = 1
    train(config(sections), str(tmp_path), CPU)
    assert seen == [(False, False, False)] * 3


def test_an_evaluation_that_fails_names_the_keys():
    with pytest.raises(ConfigError, match="the evaluation on data.val fails, 'mIou' is missing"):
        with explained(failed_evaluation):
            raise KeyError('mIou')
    with pytest.raises(DataError, match='^x.png'), explained(failed_evaluation):
        raise DataError('x.png is damaged')
