"""Data sets and trainings in miniature for mmseg 1.x."""
import copy
from pathlib import Path

import pytest
import tiny_mmseg1
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.utils import register_all_modules


@pytest.fixture(autouse=True, scope='session')
def names_of_mmseg():
    """As a runner does it: steps are looked for in mmseg's registries."""
    register_all_modules(init_default_scope=True)


@pytest.fixture(scope='session')
def data(tmp_path_factory) -> Path:
    """Folder of a Streets data set in miniature, converted."""
    return tiny_mmseg1.make_data(tmp_path_factory.mktemp('streets'))


@pytest.fixture
def runner(data, tmp_path):
    """Makes mmengine's runner of a model: ``runner(model, key=value, ...)``."""

    def make(model: dict, work_dir: Path = tmp_path, iterations: int = 4, train: dict = None,
             **changes) -> Runner:
        sections = tiny_mmseg1.sections(data, copy.deepcopy(model), iterations, train)
        sections.update(changes)
        return Runner.from_cfg(Config(dict(sections, work_dir=str(work_dir))))

    return make


@pytest.fixture(scope='session')
def trained(data, tmp_path_factory):
    """Folder and runner of four iterations of SSR + MIC with validation."""
    folder = tmp_path_factory.mktemp('trained')
    cfg = Config(dict(tiny_mmseg1.sections(data, tiny_mmseg1.ssr()), work_dir=str(folder)))
    cfg.train_cfg.val_interval = 4
    runner = Runner.from_cfg(cfg)
    runner.train()
    return folder, runner
