"""Weights & Biases and MLflow: stand-ins that note what they are told."""
import importlib.util
import json

import pytest
import tiny_training

from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.utils.device import pick_device

STAND_IN = '''
import json, os
def note(*args, **kwargs):
    with open({path!r}, 'a') as file:
        file.write(json.dumps([args, kwargs]) + '\\n')
def quiet(*args, **kwargs):
    pass
init = set_experiment = set_tags = log = log_metrics = note
join = log_params = define_metric = quiet
'''


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Stand-ins for both packages; what they are told as a list."""
    told = tmp_path / 'told.jsonl'
    for name in ('wandb', 'mlflow'):
        folder = tmp_path / 'packages' / name
        folder.mkdir(parents=True)
        (folder / '__init__.py').write_text(STAND_IN.format(path=str(told)))
        (folder / 'pytorch.py').write_text('def log_model(*args, **kwargs): raise OSError\n')
    monkeypatch.syspath_prepend(str(tmp_path / 'packages'))
    return lambda: [json.loads(line) for line in told.open()]


@pytest.fixture
def forget(monkeypatch):
    """Modules that a test imports are gone after it."""
    import sys
    for name in ('wandb', 'mlflow', 'mlflow.pytorch'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    for name in ('wandb', 'mlflow', 'mlflow.pytorch'):
        sys.modules.pop(name, None)


@pytest.mark.parametrize('tracker', ['wandb', 'mlflow'])
def test_one_key_tracks_a_training(data, config, tmp_path, packages, forget, tracker):
    sections = tiny_training.method_config(data, 2, source_only=True)
    sections['log_config']['interval'] = 1
    cfg = config(dict(sections, tracker=tracker, name='mine'))
    train(cfg, str(tmp_path / 'run'), pick_device('cpu'), evaluate=False)
    told = packages()
    opened, numbers = told[:-2], told[-2:]
    assert 'mine' in json.dumps(opened) and 'mmseg_ssr' in json.dumps(opened)
    assert [kwargs['step'] for _, kwargs in numbers] == [1, 2]
    assert all('train/decode.loss_ce' in args[0] and 'learning_rate' in args[0]
               for args, _ in numbers)


@pytest.mark.parametrize('change, message', [
    (dict(tracker='wandb'), 'tracker needs the package wandb.*pip install wandb'),
    (dict(tracker='mlflow'), 'tracker needs the package mlflow.*pip install mlflow'),
    (dict(tracker='wanbd'), "tracker must be one of wandb, mlflow, got 'wanbd', did you mean"),
    (dict(tracker=3), 'tracker'),
    (dict(log_config=dict(hooks=[dict(type='TextLoggerHook'), dict(type='WandbLoggerHook')])),
     r'log_config\.hooks\.1 needs the package wandb'),
])
def test_what_is_missing_is_said_when_the_config_is_read(data, config, monkeypatch, change,
                                                         message):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ConfigError, match=message) as error:
        validate(config(dict(tiny_training.method_config(data), **change)))
    assert '\n' not in str(error.value)


@pytest.mark.skipif(importlib.util.find_spec('wandb') is not None, reason='wandb is installed')
def test_a_folder_is_no_package(data, config, tmp_path, monkeypatch):
    (tmp_path / 'here' / 'wandb').mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / 'here'))
    with pytest.raises(ConfigError, match='pip install wandb'):
        validate(config(dict(tiny_training.method_config(data), tracker='wandb')))


@pytest.mark.parametrize('report', ['yes', dict(image=3), dict(images=-1), dict(images='all'), 2])
def test_values_of_report(data, config, report):
    with pytest.raises(ConfigError, match=r'report must be True, False or dict\(images=N\)'):
        validate(config(dict(tiny_training.method_config(data), report=report)))
