"""Data and configs of a training in miniature."""
from types import SimpleNamespace

import pytest
import tiny_training

from mmseg_ssr.engine.config import load_config


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    """mmcv's runner sleeps a second after each training."""
    monkeypatch.setattr('mmcv.runner.iter_based_runner.time',
                        SimpleNamespace(sleep=lambda seconds: None))


@pytest.fixture(scope='session')
def data(tmp_path_factory):
    return tiny_training.make_data(tmp_path_factory.mktemp('streets'))


@pytest.fixture
def config_file(tmp_path):
    """Writes sections to a config file: ``config_file(sections)`` -> its path."""

    def write(sections, name='config.py'):
        return tiny_training.write_config(tmp_path / name, sections)

    return write


@pytest.fixture
def config(config_file):
    """Writes sections to a file and reads them back as a Config."""
    return lambda sections: load_config(config_file(sections))
