"""Cases take turns, each in a process of its own, and one that fails does not stop the others."""
import os
import sys

import pytest

from mmseg_ssr.benchmark.cases import (
    Case,
    Result,
    Settings,
    measure_cases,
)
from mmseg_ssr.benchmark.measure import Measurement
from mmseg_ssr.errors import UserError

from .workloads import Dying, Failing, Filling, Place, Tracing, refuse

SETTINGS = Settings(threads=1, repeats=2, calls=1)


@pytest.fixture
def trace(tmp_path):
    return tmp_path / 'trace'


def case(name, build, trace):
    return Case(name, build, dict(name=name, trace=str(trace)))


def test_peers_take_turns(trace, capfd):
    outcome = measure_cases([case('a', Tracing, trace), case('b', Tracing, trace)], SETTINGS)
    lines = [line.split() for line in trace.read_text().splitlines()]
    assert [f'{what} {name}' for what, name, *_ in lines] == [
        'warm a', 'warm b', *2 * ['run a', 'run b'], 'finish a', 'finish b']
    assert len({pid for _, _, pid, _ in lines}) == 2  # one process for each
    assert {threads for *_, threads in lines} == {'1'}
    assert [len(r.measurements) for r in outcome.results.values()] == [2, 2]
    assert 'tables' not in capfd.readouterr().out
    assert outcome.results['a'].facts == dict(warm=True, done='a') and not outcome.left_out


def test_an_accelerator_can_be_used_in_the_process_of_a_case():
    """A fork cannot, once its parent has asked for CUDA as mmcv does."""
    outcome = measure_cases([Case('place', Place)], Settings('cuda:0', repeats=0))
    assert outcome.results['place'].facts == dict(device='cuda:0', forked=False)


@pytest.mark.skipif(sys.platform != 'linux', reason='mallopt is of glibc')
def test_peers_can_give_back_memory_as_their_own_programs_do(monkeypatch):
    for name in [name for name in os.environ if name.startswith('MALLOC_')]:
        monkeypatch.delenv(name)
    outcome = measure_cases([Case('kept', Filling),
                             Case('given back', Filling, keep_memory=False)], SETTINGS)
    pages = {name: result.facts['pages'] for name, result in outcome.results.items()}
    assert pages['kept'] < 2000 < pages['given back']


def test_a_failing_case_is_left_out_with_its_reason(trace):
    outcome = measure_cases([
        case('refused', refuse, trace), case('dies', Dying, trace), case('good', Tracing, trace),
        case('fails', Failing, trace)], SETTINGS)
    assert list(outcome.results) == ['good']
    assert outcome.left_out == {
        'refused': 'refused: refused is not for cpu',
        'dies': 'dies: its process died, perhaps for lack of memory',
        'fails': 'fails: RuntimeError: out of luck'}
    assert len(outcome.results['good'].measurements) == 2


def test_nothing_left_is_an_error(trace):
    with pytest.raises(UserError, match='nothing could be measured: refused: refused is not for'):
        measure_cases([case('refused', refuse, trace)], SETTINGS)


def test_the_record_has_median_and_limits():
    result = Result([Measurement(3., 10, 30), Measurement(1., 20, 30), Measurement(2., 10, 25)],
                    dict(flops=7))
    assert result.best_seconds == 1.
    assert result.record() == dict(seconds=2., seconds_min=1., seconds_max=3., repeats=3,
                                   peak_bytes=30, work_bytes=20, flops=7)
