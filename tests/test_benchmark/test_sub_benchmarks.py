"""The sub-benchmarks in small: what their records hold and how ratios are formed."""
import numpy as np
import pytest
import torch

from mmseg_ssr.benchmark import data as data_benchmark
from mmseg_ssr.benchmark import encoder, inference, scoring, step
from mmseg_ssr.benchmark.cases import Outcome, Result, Settings
from mmseg_ssr.benchmark.measure import Measurement
from mmseg_ssr.benchmark.methods import SMALL
from mmseg_ssr.benchmark.report import Report
from mmseg_ssr.errors import ConfigError, MissingFile, UserError

ONCE = Settings(threads=1, repeats=1)


# ---------------------------------------------------------------- step
@pytest.mark.slow
def test_step():
    report = step.benchmark_step(['daformer', 'daformer_ssr'], ['exact', 'sam512'],
                                 SMALL, ONCE)
    cases = report.record['cases']
    assert list(cases) == ['daformer/exact', 'daformer_ssr/exact', 'daformer_ssr/sam512']
    for record in cases.values():
        assert record['repeats'] == 1 and record['peak_bytes'] > 2 ** 20
        assert set(record['part_seconds']) == set(record['part_flops'])
        assert record['flops'] == sum(record['part_flops'].values()) > 0
        assert record['matrix_rate_ratio'] > 0
    assert 'speed_ratio' not in cases['daformer/exact']
    plain, exact, larger = cases.values()
    assert plain['flops'] < exact['flops'] < larger['flops']
    assert larger['speed_ratio'] == exact['seconds'] / larger['seconds']
    assert larger['memory_ratio'] == larger['peak_bytes'] / exact['peak_bytes']
    assert exact['ssr_cost_ratio'] == exact['seconds'] / plain['seconds']
    assert larger['ssr_cost_ratio'] == larger['seconds'] / plain['seconds']  # it has no SAM
    assert [title for title, _ in report.tables][0] == 'Training iteration'
    assert len(report.tables) == 4
    assert report.left_out == ['daformer in mode sam512: mode sam512 needs a method with a SAM '
                               'encoder']


def test_step_stops_at_a_misspelled_mode_before_anything_runs():
    with pytest.raises(ConfigError, match="unknown mode exat, did you mean 'exact'"):
        step.benchmark_step(['daformer'], ['exat'], SMALL, ONCE)


def test_step_needs_a_published_implementation_where_it_is_said_to_be(tmp_path):
    with pytest.raises(MissingFile, match='no mmseg in it'):
        step.benchmark_step(['daformer'], ['exact'], SMALL, ONCE, str(tmp_path))


def test_step_needs_to_know_the_crop(config):
    with pytest.raises(ConfigError, match='config.py has no crop_size: give --crop'):
        step.crop_of(config(dict(model={})))


def test_ratios_to_the_published_code():
    records = {'mic/exact': dict(seconds=2., peak_bytes=50),
               'mic/published': dict(seconds=5., peak_bytes=100)}
    assert step.ratios('mic/exact', records) == dict(
        published_speed_ratio=2.5, published_memory_ratio=0.5)
    assert step.ratios('mic/published', records) == {}


def test_the_memory_of_replayed_graphs_is_not_told():
    """Torch counts what was taken while a graph was recorded, and nothing when it is replayed."""
    row = dict(seconds=1., seconds_min=1., seconds_max=1., peak_bytes=2 ** 30)
    table = step.iteration_table({'mic/joint': row, 'mic/joint+graphs': row}).splitlines()
    assert [line.split('|')[4].strip() for line in table[2:]] == ['1', '-']


@pytest.mark.parametrize('mode, dtype', [
    ('exact', 'float32'), ('joint+bf16+compile', 'bfloat16'), ('fp16', 'float16'),
    ('published', 'float32')])
def test_a_mode_is_measured_against_the_rate_of_its_precision(mode, dtype):
    assert step.precision_of(mode) == dtype


# ---------------------------------------------------------------- encoder
@pytest.mark.slow
def test_encoder():
    options = encoder.Options(size=SMALL)
    report = encoder.benchmark_encoder(['regularizer', 'ema'], options, ONCE)
    cases = report.record['cases']
    assert len(cases) == 5 and report.record['matrix_rates']['float32'] > 0
    ours, unfused = (cases[f'regularizer, {name}'] for name in ('mmseg_ssr', 'unfused attention'))
    assert unfused['ours_speed_ratio'] == unfused['seconds'] / ours['seconds']
    assert unfused['difference'] < 1e-5 and 'difference' not in ours
    assert not any('output' in record for record in cases.values())


def test_encoder_names_an_unknown_network():
    with pytest.raises(ConfigError, match="--only: unknown network regularzer, did you mean"):
        encoder.benchmark_encoder(['regularzer'], encoder.Options(size=SMALL), ONCE)


def test_encoder_names_missing_sam_weights(tmp_path):
    options = encoder.Options(size=SMALL, sam_checkpoint=str(tmp_path / 'sam.pth'))
    with pytest.raises(MissingFile, match='--sam-checkpoint .*sam.pth is missing'):
        encoder.benchmark_encoder(['sam'], options, ONCE)


def test_similarity_of_maps_of_two_sizes():
    feature = np.random.default_rng(0).normal(size=(1, 3, 4, 4)).astype(np.float32)
    assert encoder.cosine_similarity(feature, feature) == pytest.approx(1)
    assert encoder.cosine_similarity(-feature, feature) == pytest.approx(-1)
    constant = np.ones((1, 3, 2, 2), np.float32)
    assert encoder.cosine_similarity(constant, 5 * np.ones((1, 3, 4, 4))) == pytest.approx(1)
    assert encoder.relative_difference(np.array([1., 2.]), np.array([1., 4.])) == 0.5


# ---------------------------------------------------------------- inference
def test_inference():
    report = inference.benchmark_inference(
        ['daformer'], ['slide'], ['exact', 'stock', 'bf16'], [(128, 64)], SMALL, ONCE, images=2)
    exact, stock, bf16 = (report.record['cases'][f'daformer/slide/128x64/{mode}']
                          for mode in ('exact', 'stock', 'bf16'))
    assert stock['same_labels_ratio'] == 1
    assert exact['images_per_second'] == 2 / exact['seconds']
    assert '2 images in a batch: seconds are those of a batch' in report.notes
    assert bf16['speed_ratio'] == exact['seconds'] / bf16['seconds']
    assert 0.5 < bf16['same_labels_ratio'] <= 1 and 'same_labels_ratio' not in exact
    assert any('random weights' in note for note in report.notes)


def test_inference_with_a_checkpoint_that_is_not_there():
    with pytest.raises(UserError, match='no.pth is missing'):
        inference.benchmark_inference(['daformer'], ['whole'], ['exact'], [(64, 64)], SMALL, ONCE,
                                      'no.pth')


def test_inference_modes():
    with pytest.raises(ConfigError, match="unknown mode bf61, did you mean 'bf16'"):
        inference.benchmark_inference(['daformer'], ['whole'], ['bf61'], [(64, 64)], SMALL, ONCE)
    report = Report()
    cases = inference.prediction_cases('daformer', 'slide', ['stock', 'bf16+batched'], (64, 64),
                                       SMALL, None, report)
    stock, both = (case.arguments for case in cases)
    assert stock['stock'] and not both['stock']
    assert both['config'].model.test_cfg == dict(
        mode='slide', crop_size=(64, 64), stride=(32, 32), batched_slide=True,
        amp=dict(dtype='bfloat16'))


# ---------------------------------------------------------------- data and scores
@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp('drawn'))
    data_benchmark.drawn_data(folder, 3, (128, 64), 1)
    return folder


def test_kinds_without_cases_are_left_out(monkeypatch):
    monkeypatch.setattr(data_benchmark, 'measure_cases', lambda cases, settings: Outcome(
        {case.name: Result([Measurement(.5, 0, 0)], dict(items=4)) for case in cases}))
    report = data_benchmark.benchmark_data([0], 2, (128, 64), 2, SMALL, ONCE)
    assert list(report.record['cases']) == ['loader, 0 workers'] and len(report.tables) == 1
    assert report.notes == [f'labels {what}: none of its cases is asked for'
                            for what in ('converted', 'counted')]


def test_nothing_is_compared_with_a_first_case_that_failed(monkeypatch):
    monkeypatch.setattr(data_benchmark, 'measure_cases', lambda cases, settings: Outcome(
        {case.name: Result([Measurement(.5, 0, 0)], dict(items=4)) for case in cases[1:]},
        {cases[0].name: 'it died'}))
    report = data_benchmark.benchmark_data([0, 1, 2], 2, (128, 64), 2, SMALL, ONCE)
    assert 'it died' in report.left_out
    rows = dict(report.tables)['Training pairs loaded, images of 128 x 64'].splitlines()[2:]
    assert [row.split('|')[1].strip() for row in rows] == ['loader, 1 workers', 'loader, 2 workers']
    assert [row.split('|')[-2].strip() for row in rows] == ['-', '-']


@pytest.mark.parametrize('build, options, items', [
    (data_benchmark.loading, dict(size=SMALL, workers=0, batches=2), 4),
    (data_benchmark.converting, dict(workers=1), 3),
    (data_benchmark.counting, dict(workers=1), 6),
    (scoring.counting_pixels, dict(size=SMALL, package='mmseg_ssr'), 3),
    (scoring.counting_pixels, dict(size=SMALL, package='mmseg'), 3)])
def test_data_workloads_can_be_repeated(drawn, build, options, items):
    workload = build(torch.device('cpu'), drawn, **options)
    workload.run()
    workload.run()
    assert workload.finish() == dict(items=items)


def test_predictions_are_nine_tenths_right(drawn):
    dataset, predictions = scoring.validation_data(drawn, SMALL)
    label = dataset.get_gt_seg_map_by_idx(0)
    right = (predictions[0] == label)[label != 255]
    assert len(predictions) == 3 and predictions[0].dtype == np.uint8
    assert 0.85 < right.mean() < 0.95


def test_evaluations_give_the_same_scores(drawn):
    ours, stock = (scoring.evaluating(torch.device('cpu'), drawn, SMALL, package, 0)
                   for package in ('mmseg_ssr', 'mmseg'))
    assert ours.work() == pytest.approx(stock.work(), nan_ok=True)
    assert ours.work()['mIoU'] == ours.work()['mIoU'] > 0.3  # predictions stay with their images
    assert ours.finish() == stock.finish() == dict(items=3)
