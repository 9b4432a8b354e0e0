"""Processes that are silent or stop end the others; here all are in one, on a clock of the test."""
import time

import pytest
from torch import distributed as dist

from mmseg_ssr.engine.distributed.liveness import Liveness

SILENCE = 20.
INTERVAL = SILENCE / 20


class Clock:
    """Moves when somebody sleeps, and does what is due then."""

    def __init__(self):
        self.now = 0.
        self.due = {}

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        for moment in sorted(self.due):
            if moment <= self.now:
                self.due.pop(moment)()


class Job:
    """Three processes; ``ends`` collects what each says at its end."""

    def __init__(self, size=3):
        self.clock, self.store = Clock(), dist.HashStore()
        self.alive = list(range(size))
        self.ends = [[] for _ in range(size)]
        self.members = [
            Liveness(self.store, rank, size, SILENCE, self.end(rank), self.clock, self.clock.sleep)
            for rank in range(size)]

    def end(self, rank):
        def end(line):
            self.ends[rank].append(line)
            self.alive.remove(rank)
        return end

    def run(self, seconds):
        """What the threads of those that live do meanwhile."""
        until = self.clock() + seconds
        while self.clock() < until and self.alive:
            self.clock.sleep(INTERVAL)
            for rank in list(self.alive):
                self.members[rank].talk()
                self.members[rank].watch()


@pytest.fixture
def job():
    return Job()


def test_living_processes_go_on(job):
    job.run(3 * SILENCE)
    assert job.ends == [[], [], []]


def test_a_silent_process_ends_all_others_with_one_line_that_names_it(job):
    job.run(2 * INTERVAL)
    job.alive.remove(2)  # killed
    job.run(SILENCE)
    assert job.alive == [0, 1]
    job.run(SILENCE)
    lines = [line for ends in job.ends for line in ends if line]
    assert all(job.ends[:2]) and not job.ends[2]
    assert len(set(lines)) == 1 and '--resume-from auto' in lines[0]
    assert 'no sign of life from process 2 of 0 to 2: it was killed' in lines[0]
    assert lines[0] in job.ends[0]  # said where the log is read


def test_an_error_of_one_process_ends_the_others_after_a_grace(job):
    job.run(2 * INTERVAL)
    assert job.members[1].report('image x.png is damaged')
    job.alive.remove(1)
    job.run(SILENCE / 5)
    assert job.alive == [0, 2]
    job.run(SILENCE / 5)
    assert job.ends == [['process 1 of 0 to 2 has stopped: image x.png is damaged'], [], ['']]


def test_the_first_says_what_all_have_to_say(job):
    said = []
    job.clock.due[INTERVAL] = lambda: said.append(job.members[0].report('no such config'))
    assert not job.members[1].report('no such config')
    assert job.members[2].report('something else')
    assert said == [True] and job.members[0].report('no such config')


def test_a_process_that_is_not_the_first_says_what_the_first_does_not(job):
    assert job.members[1].report('only mine')


class Unreachable:
    def set(self, *unused):
        raise RuntimeError('connection lost')


def test_a_store_that_is_gone_ends_the_process(job):
    job.members[1]._store = Unreachable()
    assert not job.members[1].talk()
    job.clock.sleep(SILENCE / 5)
    job.members[1].watch()
    assert not job.ends[1]
    job.clock.sleep(INTERVAL)
    job.members[1].watch()
    line, = job.ends[1]
    assert 'the process that the others met at (process 0)' in line


def test_threads_do_so_in_real_time_while_a_failed_operation_waits_for_the_verdict():
    ends, silence = [[], []], 1.
    store = dist.HashStore()
    members = [Liveness(store, rank, 3, silence, ends[rank].append) for rank in range(2)]
    start = time.monotonic()
    for member in members:
        member.start()  # the third does not
    members[1].await_verdict()  # returns after a while, as the process does not end here
    assert time.monotonic() - start >= silence
    while not all(ends) and time.monotonic() - start < 60:
        time.sleep(0.01)
    for member in members:
        member.stop()
    assert all('no sign of life from process' in said[0] for said in ends)
