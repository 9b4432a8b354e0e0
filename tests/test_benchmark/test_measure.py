"""Time and peak memory of one call."""
import pytest
import torch

from mmseg_ssr.benchmark.measure import Workload, library_memory, measure, memory_peak, serve

CPU = torch.device('cpu')
MIB = 2 ** 20


def test_peak_memory_is_of_this_call_alone():
    def large():
        torch.ones(1024 * MIB // 4).sum()

    # in a process of 2 GiB 101 MiB too few have been seen: much of 256, little of 1024
    first, second = measure(large, CPU), measure(lambda: None, CPU)
    assert 820 * MIB < first.peak_bytes - first.rest_bytes < 1280 * MIB
    assert second.peak_bytes - second.rest_bytes < 64 * MIB


def test_libraries_are_a_part_of_memory():
    assert 2e7 < library_memory() < memory_peak(CPU)


def test_time_is_of_one_of_the_calls(monkeypatch):
    clock = [7.]
    monkeypatch.setattr('time.perf_counter', lambda: clock[0])

    def run():
        clock[0] += 2

    assert measure(run, CPU, calls=4).seconds == 2


def test_memory_that_was_given_back_is_fetched_before_the_clock_starts(monkeypatch):
    clock, memory = [0.], []
    monkeypatch.setattr('time.perf_counter', lambda: clock[0])

    def run():
        clock[0] += 2 if memory else 9
        memory.append(torch.ones(256 * MIB // 4))

    found = measure(run, CPU, settling=1)
    assert found.seconds == 2
    assert found.peak_bytes - found.rest_bytes > 400 * MIB  # of both calls


def test_an_accelerator_is_used_before_its_statistics_are_asked_for(monkeypatch):
    """Otherwise torch knows no such device yet."""
    calls = []

    class Card:
        def __getattr__(self, name):
            return lambda device: calls.append(name) or 7

    monkeypatch.setattr(torch, 'get_device_module', lambda device: Card())
    found = measure(lambda: calls.append('run'), torch.device('cuda'))
    assert calls == ['synchronize', 'reset_peak_memory_stats', 'memory_allocated', 'run',
                     'synchronize', 'max_memory_allocated']
    assert found.rest_bytes == found.peak_bytes == 7


class Messages:
    """A connection with a list of requests, then nobody at the other end."""

    def __init__(self, *requests):
        self.requests, self.answers = list(requests), []

    def recv(self):
        if not self.requests:
            raise EOFError
        return self.requests.pop(0)

    def send(self, answer):
        self.answers.append(answer)


class Counted(Workload):
    settling = 2
    runs = 0

    def run(self):
        self.runs += 1

    def finish(self):
        return dict(runs=self.runs)


def test_nothing_is_said_to_a_side_that_has_hung_up(capsys):
    class Closed(Messages):
        def send(self, answer):
            raise BrokenPipeError

    serve(Closed(('build', ), ('warm_up', )), lambda device: Counted(), 'cpu', 1)
    assert capsys.readouterr().err == ''


def test_requests_are_answered_in_plain_types():
    talk = Messages(('build', ), ('warm_up', ), ('measure', 3), ('finish', ))
    serve(talk, lambda device: Counted(), 'cpu', torch.get_num_threads())
    assert [failure for failure, _ in talk.answers] == [None] * 4
    assert type(talk.answers[2][1]) is tuple and talk.answers[3][1] == dict(runs=6)


@pytest.mark.parametrize('expected, told', [((), 'ValueError: odd'), ((ValueError, ), 'odd')])
def test_an_error_is_an_answer(expected, told, capsys):
    def build(device):
        raise ValueError('odd')

    talk = Messages(('build', ))
    serve(talk, build, 'cpu', torch.get_num_threads(), expected)
    assert talk.answers == [(told, None)]
    assert ('Traceback' in capsys.readouterr().err) is not bool(expected)
