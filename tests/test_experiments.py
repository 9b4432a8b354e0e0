"""The tables of experiments name configs that are there and options that are valid."""
from collections import Counter
from pathlib import Path

import pytest

from mmseg_ssr.commands.runs.results import runs_of
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.experiments.results import as_dict
from mmseg_ssr.experiments import EXPERIMENTS, NOT_CHECKED, by_id

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


def gains(id):
    """Row -> difference of its published number from its baseline's, as results print it."""
    experiment = by_id()[id]
    runs = [runs_of(row, [], experiment.baseline) for row in experiment.rows]
    return {row['name']: row['published_difference'] for row in as_dict(runs)}


def test_the_ablation_of_the_stages():
    _, *rows = by_id()['ssr-stages'].rows
    assert [row.overrides['uda.stop_stage'] for row in rows] == [
        [0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]
    assert gains('ssr-stages') == dict(
        daformer=None, stages_0=0.5, stages_01=0.7, stages_012=0.4, stages_0123=1.0)


def test_the_table_of_ssr():
    found = gains('ssr')
    assert (found['dacs'], found['dacs_label_shift']) == (None, 1.5)
    assert (found['daformer_ssr'], found['mic_daformer_ssr']) == (1.0, 0.5)
    mic = rows_of('ssr')['mic_daformer']
    assert (mic.published, rows_of('mic')['mic_daformer'].published) == (70.1, 70.6)
    assert '70.6' in mic.note


def test_the_tables_of_maxsquare():
    assert gains('maxsquare')['maxsquare_iw_multi'] == 9.5
    synthia = gains('maxsquare-synthia')
    assert (synthia['maxsquare_iw_multi'], synthia['maxsquare_iw_multi_13']) == (11.3, 13.9)
    rome = gains('maxsquare-crosscity')
    assert (rome['rome_maxsquare_iw'], rome['taipei_maxsquare']) == (3.5, 3.5)


@pytest.mark.parametrize('id', ['maxsquare', 'maxsquare-synthia', 'maxsquare-crosscity'])
def test_second_stages_start_from_first_stages_of_their_table(id):
    trained = []
    for row in by_id()[id].rows:
        start = load_config(row.config).load_from
        assert start in (None, *(f'work_dirs/{id}/{run}/latest.pth' for run in trained))
        assert bool(start) == ('maxsquare' in row.name or 'two_stages' in row.name)
        trained += [f'{row.run or row.name}_s{seed}' for seed in row.seeds]


def test_a_city_is_scored_by_the_set_of_its_name():
    for row in by_id()['maxsquare-crosscity'].rows:
        data = load_config(row.config).data.test
        number, _, rest = row.metric.rpartition('_')
        folder = data.img_dir[int(number)] if number else data.data_root
        assert row.name.split('_')[0].title() in folder and rest == 'mIoU'


@pytest.mark.parametrize('experiment', EXPERIMENTS, ids=lambda e: e.id)
def test_rows_of_one_training_train_the_same(experiment):
    trainings = {}
    for row in experiment.rows:
        training = (row.config, str(row.overrides), row.seeds)
        assert trainings.setdefault(row.run or row.name, training) == training
    if experiment.id not in ('ssr', 'label-shift', 'maxsquare-synthia', 'maxsquare-crosscity',
                             'vfmpp'):
        assert len(trainings) == len(experiment.rows)


def test_numbers_that_nobody_has_seen_say_so():
    marked = {row.name for experiment in EXPERIMENTS for row in experiment.rows
              if NOT_CHECKED in row.source}
    assert marked == {'minent', 'advseg', 'daformer_dlv2red', 'hrda_dlv2red',
                      'mic_daformer_dlv2red', 'mic_hrda_dlv2red'}


def rows_of(experiment):
    return {row.name: row for row in by_id()[experiment].rows}


def test_published_numbers():
    mic = rows_of('mic')
    assert [mic[name].published for name in ('daformer', 'mic_daformer', 'hrda', 'mic_hrda')] == [
        68.3, 70.6, 73.8, 75.9]
    assert [row.published for row in by_id()['vfm'].rows] == [77.1, 78.4, None]
    assert rows_of('acdc')['mic_hrda'].published == 70.4
    assert rows_of('synthia')['mic_hrda'].published == 67.3


#: (table, row) -> mean over its published classes, where it does not round to the published mean.
OTHER_MEANS = {('ssr', 'mic_daformer'): 70.17}


@pytest.mark.parametrize('experiment', EXPERIMENTS, ids=lambda e: e.id)
def test_published_classes_have_the_published_mean(experiment):
    for row in experiment.rows:
        if row.classes:
            assert len(row.classes) == (16 if row.metric == 'mIoU16' else 19)
            mean = sum(row.classes.values()) / len(row.classes)
            expected = OTHER_MEANS.get((experiment.id, row.name), row.published)
            assert mean == pytest.approx(expected, abs=0.06), row.name


def test_each_benchmark_has_its_bounds():
    """Source-only everywhere; an oracle where the target's training images have labels."""
    for id in ('daformer', 'synthia', 'acdc', 'darkzurich', 'streets-methods', 'camvid-dusk',
               'streets2camvid'):
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
        if not row.run:
            mean = 'mIoU16' if experiment.id == 'synthia' or row.name.startswith('synthia') \
                else 'mIoU'
            assert row.metric == (f'0_{mean}' if experiment.id == 'vfmpp' else mean)


def test_the_table_of_vfmpp():
    """Each row is scored by the set that its number is of, and says what is not sure of it."""
    rows = rows_of('vfmpp')
    assert {name: row.published for name, row in rows.items() if row.published} == dict(
        gta_l=79.8, gta_l_wilddash=69.0, synth2real_l=82.2, synth2real_l_wilddash=71.3,
        synthia_b=69.7, synthia_b_wilddash=56.1, darkzurich_l=68.7, darkzurich_l_wilddash=70.3)
    for name, row in rows.items():
        number, _, mean = row.metric.partition('_')
        scored = load_config(row.config).data.test
        scored = (scored if isinstance(scored, list) else scored.datasets)[int(number)]
        kind = 'WildDash' if name.endswith('wilddash') else (
            'DarkZurich' if name.startswith('darkzurich') else 'Cityscapes')
        assert scored.type.startswith(kind), name
        assert mean == ('mIoU16' if name.startswith('synthia') else 'mIoU')
        assert bool(row.note) == bool(row.published or row.name not in ('gta_b', 'synth2real_b'))
    found = gains('vfmpp')
    assert (found['synth2real_l'], found['synth2real_l_wilddash']) == (2.4, 2.3)
    assert all('part of WildDash2' in row.note for name, row in rows.items() if 'wilddash' in name)


def test_the_table_of_sarformer():
    rows = rows_of('sarformer')
    assert {name: row.published for name, row in rows.items() if row.published} == dict(
        mask2former_beit_adapter_base=56.51, sarformer_beit_base=56.82, sarformer_beit_large=57.21)
    assert all(row.note for row in rows.values() if row.published)


def test_numbers_of_test_splits_say_so():
    for experiment in ('acdc', 'darkzurich'):
        assert all('test split' in row.note for row in by_id()[experiment].rows if row.published)


def check_maps(configs):
    """Take the folders of maps out of configs. Encoders that differ must have folders that do."""
    encoders = {}
    for name, cfg in configs.items():
        uda = cfg.get('uda', {})
        encoder = uda.get('pseudo_label_encoder') or (uda.get('regularizer') or {}).get('encoder')
        both = 'maps' in name or 'distilled' in name
        for domain in ('source', 'target'):
            folder = cfg.data.train[domain].pop('encoder_maps', None)
            assert (folder is not None) == (
                both or 'affinity' in name and domain == 'target'), name
            if folder:
                assert encoders.setdefault(folder, (domain, encoder)) == (domain, encoder)
        if both:
            assert uda.mixed_maps == 'composed'
            assert str(encoder.input_size) == next(
                (size for size in ('512', '256') if size in name), '1024')
    assert len(encoders) == 10


@pytest.mark.parametrize('id,trials', [
    ('camvid-dusk', ['daformer_ssr', 'daformer_ssr_plus', 'daformer_ssr_plus_random',
                     'daformer_ssr_plus_composed', 'daformer_affinity',
                     'daformer_affinity_random']),
    ('streets2camvid', [])])
def test_the_tables_on_camvid(id, trials):
    rows = rows_of(id)
    assert list(rows) == ['source_only', 'daformer', *trials, 'daformer_ssr_maps',
                          'daformer_ssr_plus_maps', 'daformer_ssr_distilled',
                          'daformer_ssr_distilled_random', 'daformer_ssr_distilled_512',
                          'daformer_ssr_distilled_512_random', 'daformer_ssr_distilled_256', 'mic',
                          'mic_ssr_distilled', 'oracle']
    configs = {name: load_config(row.config, row.overrides) for name, row in rows.items()}
    assert {row.seeds for row in rows.values()} == {(0, 1, 2, 3, 4)}
    assert {name for name, row in rows.items() if row.baseline == 'mic'} == {
        name for name in rows if name.startswith('mic_')}
    check_maps(configs)
    budgets = {str((cfg.data.val, cfg.data.test, cfg.data.train.target, cfg.model, cfg.optimizer,
                    cfg.lr_config, cfg.runner)) for cfg in configs.values()}
    assert len(budgets) == 1
    sources = {name: cfg.data.train.source for name, cfg in configs.items()}
    target = configs['oracle'].data.train.target
    oracle = sources.pop('oracle')
    assert len(set(map(str, sources.values()))) == 1
    assert (oracle.img_dir, oracle.get('sequences', target.sequences)) == (
        target.img_dir, target.sequences)
    for name, cfg in configs.items():
        regularizer = cfg.get('uda', {}).get('regularizer')
        assert not regularizer or name.endswith('_random') == (
            regularizer.encoder.checkpoint is None)
        labels = cfg.get('uda', {}).get('pseudo_label_encoder')
        assert not labels or name.endswith('_random') == (labels.checkpoint is None)


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
