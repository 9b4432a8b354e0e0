"""The tables of experiments name configs that are there and options that are valid."""
from collections import Counter
from pathlib import Path

import pytest

from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.experiments import EXPERIMENTS, by_id

ROOT = Path(__file__).resolve().parents[1]


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


def rows_of(experiment):
    return {row.name: row for row in by_id()[experiment].rows}


def test_published_numbers():
    mic = rows_of('mic')
    assert [mic[name].published for name in ('daformer', 'mic_daformer', 'hrda', 'mic_hrda')] == [
        68.3, 70.6, 73.8, 75.9]
    assert [row.published for row in by_id()['vfm'].rows] == [77.1, 78.4, None]
    assert rows_of('acdc')['mic_hrda'].published == 70.4
    assert rows_of('synthia')['mic_hrda'].published == 67.3


@pytest.mark.parametrize('experiment', EXPERIMENTS, ids=lambda e: e.id)
def test_published_classes_have_the_published_mean(experiment):
    for row in experiment.rows:
        if row.classes:
            assert len(row.classes) == (16 if row.metric == 'mIoU16' else 19)
            mean = sum(row.classes.values()) / len(row.classes)
            assert mean == pytest.approx(row.published, abs=0.06), row.name


def test_each_benchmark_has_its_bounds():
    """Source-only everywhere; an oracle where the target's training images have labels."""
    for id in ('daformer', 'synthia', 'acdc', 'darkzurich', 'streets-methods'):
        rows = rows_of(id)
        assert 'source_only' in rows and ('oracle' in rows) == (id != 'darkzurich')
    assert {name.split('_')[0] for name in rows_of('crosscity') if name.endswith('source_only')
            } == {'rome', 'rio', 'tokyo', 'taipei'}


@pytest.mark.parametrize('experiment', EXPERIMENTS, ids=lambda e: e.id)
def test_numbers_have_sources_and_baselines_are_rows(experiment):
    names = {row.name for row in experiment.rows}
    for row in experiment.rows:
        assert (row.published is None) == (row.source == '')
        assert (row.baseline or experiment.baseline) in names
        assert row.metric == ('mIoU16' if experiment.id == 'synthia' else 'mIoU')


def test_numbers_of_test_splits_say_so():
    for experiment in ('acdc', 'darkzurich'):
        assert all('test split' in row.note for row in by_id()[experiment].rows if row.published)


def test_the_methods_on_streets_differ_in_nothing_but_the_method():
    experiment = by_id()['streets-methods']
    configs = {row.name: load_config(row.config, row.overrides) for row in experiment.rows}
    assert {row.seeds for row in experiment.rows} == {(0, )}
    budgets = {str((cfg.data.val, cfg.optimizer, cfg.lr_config, cfg.runner))
               for cfg in configs.values()}
    assert len(budgets) == 1
    training = Counter(str(cfg.data.train) for cfg in configs.values())
    assert len(training) == 3  # DACS without rare class sampling, the oracle, all others
    assert len({str((cfg.data, cfg.model, cfg.uda)) for cfg in configs.values()}) == len(configs)
