import pytest
import torch

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import FiniteCheck, NotFinite
from mmseg_ssr.uda.update.finite_check import FiniteCheckKeys

NAN, ONE = torch.tensor(float('nan')), torch.tensor(1.)


def numbers(value):
    return {'decode.loss': ONE, 'mix.loss': value}


def test_reads_floats_and_names_what_is_not_finite():
    floats, bad = FiniteCheck().read(0, numbers(torch.tensor([2., 4.])), {})
    assert floats == {'decode.loss': 1., 'mix.loss': 3.} and bad == []
    assert FiniteCheck().read(0, numbers(NAN), {})[1] == ['mix.loss']
    assert FiniteCheck().read(0, numbers(ONE / 0), {})[1] == ['mix.loss']


def test_stops_with_iteration_and_terms():
    with pytest.raises(NotFinite, match=r'iteration 8: mix.loss not finite.*uda.grad_clip') as e:
        FiniteCheck().skip(7, ['mix.loss'])
    assert (e.value.iteration, e.value.terms) == (7, ('mix.loss', ))


def test_skipped_updates_are_counted_and_said_less_and_less_often():
    said = []
    watch = FiniteCheck('skip', warn=said.append)
    for i in range(100):
        watch.skip(i, ['mix.loss'])
    assert watch.skipped == 100
    assert [line.split(':')[0] for line in said] == ['iteration 1', 'iteration 10', 'iteration 100']


def test_notes_are_said_when_they_hold():
    said = []
    watch = FiniteCheck(warn=said.append)
    for holds in (False, True):
        floats, _ = watch.read(3, numbers(ONE), {'no labels': torch.tensor(holds)})
    assert said == ['iteration 4: no labels'] and 'no labels' not in floats


def test_a_long_interval_reads_late_and_names_the_iteration():
    watch = FiniteCheck(interval=3)
    first, bad = watch.read(0, numbers(ONE), {})
    assert isinstance(first['mix.loss'], torch.Tensor) and bad == []
    watch.read(1, numbers(NAN), {})
    with pytest.raises(NotFinite, match='iteration 2: mix.loss') as error:
        watch.read(2, numbers(ONE), {})
    assert error.value.late


@pytest.mark.parametrize('options, message', [
    (('ignore', ), "not_finite must be 'stop' or 'skip'"),
    (('stop', 0), 'watch_interval must be at least 1'), (('skip', 5), "needs watch_interval=1")])
def test_bad_values(options, message):
    with pytest.raises(ConfigError, match=message):
        FiniteCheckKeys(*options)


def said_together():
    said = []
    first = torch.distributed.get_rank() == 0
    watch = FiniteCheck(warn=said.append)
    floats, bad = watch.read(0, numbers(NAN if first else ONE), {
        'on one': torch.tensor(first), 'on both': torch.tensor(True)})
    return floats['decode.loss'], bad, said


def test_what_one_process_finds_not_finite_all_do_and_notes_hold_where_they_hold_on_all(pair):
    assert pair(said_together) == [(1., ['mix.loss'], ['iteration 1: on both'])] * 2


def test_what_is_not_read_yet_can_be_read_at_once():
    watch = FiniteCheck(interval=3)
    watch.read(0, numbers(ONE), {})
    watch.finish()
    watch.finish()  # there is nothing left
    watch.read(1, numbers(NAN), {})
    with pytest.raises(NotFinite, match='iteration 2: mix.loss .*found after its update') as error:
        watch.finish()
    assert error.value.late


def test_an_update_that_is_left_out_already_is_not_counted_again():
    watch = FiniteCheck('skip', warn=lambda line: None)
    watch.skip(0, ['loss'])
    watch.skip(1, ['loss'], counted=False)
    assert watch.skipped == 1


def test_with_an_interval_the_names_stay_the_same():
    watch = FiniteCheck(interval=3)
    watch.read(0, {'loss': torch.ones(())}, {})
    with pytest.raises(ConfigError, match='loss_own is not the same in every iteration'):
        watch.read(1, {'loss': torch.ones(()), 'loss_own': torch.ones(())}, {})
