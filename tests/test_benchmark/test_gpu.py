"""The run that measures a card: its order, its budget of time, its file and its checks."""
import json

import pytest
import torch

from mmseg_ssr.benchmark.cases import Case, Settings, measure_cases
from mmseg_ssr.benchmark.gpu import pieces as gpu_pieces
from mmseg_ssr.benchmark.gpu import run as gpu_run
from mmseg_ssr.benchmark.gpu.checks import compared, differences
from mmseg_ssr.benchmark.gpu.pieces import Figures, Piece, Setup, pieces
from mmseg_ssr.benchmark.gpu.run import benchmark_gpu
from mmseg_ssr.benchmark.methods import SMALL, Size
from mmseg_ssr.engine.checkpoint.files import write_checkpoint
from mmseg_ssr.errors import ConfigError, UserError

from .workloads import Sleeping

SMALL_SETUP = Setup(SMALL, Settings(threads=1, repeats=1))
FULL_SETUP = Setup(Size(), Settings())
ABOUT = dict(machine=dict(processor='one', cores=2), versions=dict(torch='2'), date='2026-01-01',
             settings=dict(device='cpu', threads=1, repeats=1, calls=1))


class Clock:
    """A clock that only the pieces move."""
    now = 0.

    def __call__(self):
        return self.now


@pytest.fixture
def planned(monkeypatch):
    """Replaces the pieces: ``planned(a=40, b=100)``, which take so long. Returns those that ran."""
    clock, ran = Clock(), []

    def plan(**seconds):

        def piece(name):
            def measure(setup):
                ran.append(name)
                clock.now += seconds[name]
                if name.startswith('bad'):
                    raise UserError('no luck')
                return Figures(dict(iterations={f'{name}/exact': dict(
                    seconds=1., seconds_min=1., seconds_max=1., peak_bytes=2 ** 30)}))

            return Piece(name, seconds[name], measure)

        monkeypatch.setattr(gpu_run, 'pieces', lambda setup: [piece(name) for name in seconds])
        return ran

    return plan, clock


def run(path, clock, minutes=2., setup=FULL_SETUP, **options):
    return benchmark_gpu(str(path), setup, ABOUT, minutes, clock=clock, **options)


def test_what_matters_most_comes_first_and_the_next_run_goes_on(planned, tmp_path):
    plan, clock = planned
    path = tmp_path / 'gpu.json'
    ran = plan(a=50, b=80, c=60)
    report = run(path, clock)
    assert ran == ['a', 'c']  # b would have ended too late
    assert 'not measured: b: no time was left' in report.notes
    record = json.loads(path.read_text())
    assert list(record['pieces']) == ['a', 'c'] and record['pieces']['c']['seconds'] == 60
    report = run(path, clock)
    assert ran == ['a', 'c', 'b']
    rows = dict(report.tables)['Training iteration'].splitlines()[2:]
    assert [row.split('|')[1].strip() for row in rows] == ['a', 'b', 'c']  # in the plan's order
    assert not report.notes


def test_a_piece_that_fails_is_told_and_tried_again(planned, tmp_path):
    plan, clock = planned
    ran = plan(bad=1, good=1)
    report = run(tmp_path / 'gpu.json', clock)
    assert report.notes[0] == 'not measured: bad: no luck'
    run(tmp_path / 'gpu.json', clock)
    assert ran == ['bad', 'good', 'bad']


def test_what_a_piece_has_measured_before_it_failed_is_kept(planned, tmp_path):
    plan, clock = planned
    plan(a=1)
    record = gpu_run.begin(str(tmp_path / 'gpu.json'), ABOUT, FULL_SETUP)
    record['unfinished']['b'] = dict(
        records={}, tables=[['half of it', '']], notes=[], missing=['the rest'])
    path = tmp_path / 'gpu.json'
    path.write_text(json.dumps(record))
    assert [title for title, _ in run(path, clock).tables] == ['Training iteration', 'half of it']
    plan(a=1, b=1)
    assert len(run(path, clock).tables) == 1
    assert json.loads(path.read_text())['unfinished'] == {}


def test_a_second_try_without_figures_keeps_those_of_the_first(planned, tmp_path, monkeypatch):
    plan, clock = planned
    plan(b=1)
    path, rows = tmp_path / 'gpu.json', dict(waits={'a/exact': dict(waits=3, places=[])})
    record = gpu_run.begin(str(path), ABOUT, FULL_SETUP)
    record['unfinished']['half'] = dict(records=rows, tables=[], notes=[], missing=['no memory'])
    path.write_text(json.dumps(record))
    assert run(path, clock, only=['b']).notes[0] == 'not measured: half: no memory'
    failing = Piece('half', 1, lambda setup: Figures(dict(waits={}), missing=['no time']))
    monkeypatch.setattr(gpu_run, 'pieces', lambda setup: [failing])
    report = run(path, clock)
    assert report.record['unfinished']['half']['records'] == rows
    assert report.notes[0] == 'not measured: half: no time'


def test_pieces_by_name(planned, tmp_path):
    plan, clock = planned
    ran = plan(step_a=1, step_b=1, data=1)
    run(tmp_path / 'gpu.json', clock, only=['data'])
    report = run(tmp_path / 'gpu.json', clock, only=['step'])
    assert ran == ['data', 'step_a', 'step_b']
    rows = dict(report.tables)['Training iteration'].splitlines()[2:]  # of all that the file has
    assert [row.split('|')[1].strip() for row in rows] == ['step_a', 'step_b', 'data']
    with pytest.raises(ConfigError, match='--only stop: no piece begins so .*step_a'):
        run(tmp_path / 'gpu.json', clock, only=['stop'])


def test_figures_of_another_size_or_machine_are_not_mixed(planned, tmp_path):
    plan, clock = planned
    plan(a=1)
    path = tmp_path / 'gpu.json'
    run(path, clock)
    with pytest.raises(ConfigError, match='holds figures of another size: give another file'):
        run(path, clock, setup=SMALL_SETUP)
    path.write_text(path.read_text().replace('"repeats": 1', '"repeats": 5'))
    with pytest.raises(ConfigError, match='holds figures of another repeats: give another file'):
        run(path, clock)
    path.write_text(path.read_text().replace('"repeats": 5', '"repeats": 1'))
    path.write_text(path.read_text().replace('"processor": "one"', '"processor": "two"'))
    with pytest.raises(ConfigError, match='holds figures of another processor'):
        run(path, clock)
    path.write_text(path.read_text().replace('"two"', '"one"'))
    path.write_text(path.read_text().replace('"format": 2', '"format": 1'))
    with pytest.raises(ConfigError, match='holds figures of another format'):
        run(path, clock)
    path.write_text('{}')
    with pytest.raises(ConfigError, match='is no file of this command'):
        run(path, clock)


def test_the_order_of_the_pieces():
    card = [piece.name for piece in pieces(Setup(Size(), Settings('cuda:0')))]
    cpu = [piece.name for piece in pieces(SMALL_SETUP)]
    assert card[:2] == ['rates', 'step daformer_ssr/exact']
    assert len(card) == len(set(card)) and not any('compile' in name for name in cpu)
    assert [name for name in card if name in cpu] == cpu
    timed = [*gpu_pieces.EAGER, *gpu_pieces.COMPILING]
    assert {f'step {method}/{mode}' for method, mode in timed} < set(card)
    first = card[:card.index('step mic_ssr/joint+bf16')]
    assert {'equality of modes', 'waits of the host', 'trainings that repeat',
            'step daformer_ssr/joint+bf16+compile'} < set(first)


def test_the_published_code_is_timed_by_a_later_run_too():
    own = [piece.name for piece in pieces(SMALL_SETUP)]
    both = [piece.name for piece in pieces(SMALL_SETUP._replace(reference='SSR'))]
    assert [name for name in both if name not in own] == [
        'published daformer_ssr', 'published daformer', 'published mic_ssr']
    assert [name for name in both if name in own] == own


def test_a_case_that_takes_too_long_is_left_out():
    with pytest.raises(UserError, match='asleep: the time is over'):
        measure_cases([Case('asleep', Sleeping)], Settings(threads=1, until=0.))


@pytest.mark.slow
def test_a_whole_piece_of_each_kind(tmp_path):
    """All but those that other benchmarks share, on a CPU."""
    path = tmp_path / 'gpu.json'
    report = benchmark_gpu(str(path), SMALL_SETUP, ABOUT, 60, only=[
        'rates', 'step daformer_ssr_vit_t/joint', 'equality', 'waits', 'trainings'])
    assert not report.notes
    records = {name: piece['records'] for name, piece in report.record['pieces'].items()}
    assert set(records['rates']['matrix_rates']) == {'bfloat16', 'float16', 'float32'}
    assert records['rates']['memory_rates']['memory copy'] > 0
    row, = records['step daformer_ssr_vit_t/joint+bf16']['iterations'].values()
    assert row['seconds'] > 0 and row['matrix_rate_ratio'] > 0
    equality = records['equality of modes']['equality']
    for name, row in equality.items():
        loose = 'bf16' in name
        assert row['losses_difference'] < (0.02 if loose else 1e-4), name
        assert row['same_labels_ratio'] > (0.9 if loose else 0.9999), name
    assert len(equality) == 2
    assert {row['waits'] for row in records['waits of the host']['waits'].values()} == {None}
    pairs = records['trainings that repeat']['repeats']
    assert len(pairs) == 3
    for row in pairs.values():
        assert row['equal'] == row['tensors'] > 100 and row['difference'] == 0
    assert [title for title, _ in report.tables] == [
        'Matrix products', 'Memory', 'Training iteration', *gpu_run.TITLES.values()]


@pytest.mark.soak
def test_a_whole_run(tmp_path):
    report = benchmark_gpu(str(tmp_path / 'gpu.json'), SMALL_SETUP, ABOUT, 60)
    assert not [note for note in report.notes if note.startswith('not measured')]
    assert set(report.record['pieces']) == {piece.name for piece in pieces(SMALL_SETUP)}


def test_what_is_compared():
    exact = dict(losses=dict(loss=2., a=1.), labels=torch.tensor([1, 2, 3, 4]).numpy())
    other = dict(losses=dict(loss=2.1, a=0.5), labels=torch.tensor([1, 2, 3, 5]).numpy())
    assert compared(other, exact) == (0.25, 0.75)


def test_differences_of_checkpoints(tmp_path):
    for name, value, more in (('one', 1., {}), ('other', 2., dict(d=torch.ones(1)))):
        write_checkpoint(dict(
            meta={}, state_dict=dict(a=torch.ones(2), b=torch.full((2, ), value)), optimizer=more,
            training_state=dict(c=torch.tensor(3))), str(tmp_path / name))
    assert differences(tmp_path / 'one', tmp_path / 'other') == dict(
        equal=2, tensors=4, difference=0.5)
