"""The tables of experiments.py name configs that are there and options that are valid."""
import sys
from pathlib import Path

import pytest

from mmseg_ssr.engine.config import load_config
from mmseg_ssr.engine.config_check import validate

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from experiments import EXPERIMENTS, by_id  # noqa: E402


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_ids_and_rows_are_unique():
    assert len(by_id()) == len(EXPERIMENTS) >= 5
    for experiment in EXPERIMENTS:
        names = [row.name for row in experiment.rows]
        assert names and len(set(names)) == len(names)


@pytest.mark.parametrize('experiment', EXPERIMENTS, ids=lambda e: e.id)
def test_configs_and_overrides_are_valid(experiment):
    for row in experiment.rows:
        validate(load_config(row.config, row.overrides))
        assert row.seeds


def test_the_ablation_of_the_stages():
    stages = [row.overrides['uda.stop_stage'] for row in by_id()['ssr-stages'].rows]
    assert stages == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]


def test_published_numbers():
    published = {row.name: row.published for e in EXPERIMENTS for row in e.rows}
    assert published['daformer'] in (68.3, None) and published['mic_daformer'] == 70.6
