"""Processes that are silent or stop end the others; here each is a pair of threads."""
import threading
import time

import pytest
from torch import distributed as dist

from mmseg_ssr.engine.distributed.liveness import Liveness

SILENCE = 1.


class Job:
    """Three processes; ``ends`` collects what each says at its end."""

    def __init__(self, size=3):
        self.store = dist.HashStore()
        self.ends = [[] for _ in range(size)]
        self.members = [Liveness(self.store, rank, size, SILENCE, self.end(rank))
                        for rank in range(size)]

    def end(self, rank):
        def end(line):
            self.ends[rank].append(line)
            self.members[rank].stop()
        return end

    def start(self):
        for member in self.members:
            member.start()
        return self

    def wait(self, seconds=5.):
        """Until all that still run have ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not all(m._stopped.is_set() for m in self.members):
            time.sleep(0.01)


@pytest.fixture
def job():
    job = Job()
    yield job
    for member in job.members:
        member.stop()


def test_living_processes_go_on(job):
    job.start()
    time.sleep(1.5)
    assert job.ends == [[], [], []]


def test_a_silent_process_ends_all_others_with_one_line_that_names_it(job):
    job.start()
    time.sleep(0.1)
    job.members[2].stop()  # killed
    job.wait()
    lines = [line for ends in job.ends for line in ends if line]
    assert all(job.ends[:2]) and not job.ends[2]
    assert len(set(lines)) == 1 and '--resume-from auto' in lines[0]
    assert 'no sign of life from process 2 of 0 to 2: it was killed' in lines[0]
    assert lines[0] in job.ends[0]  # said where the log is read


def test_an_error_of_one_process_ends_the_others_after_a_grace(job):
    job.start()
    time.sleep(0.1)
    start = time.monotonic()
    assert job.members[1].report('image x.png is damaged')
    job.members[1].stop()
    job.wait()
    assert time.monotonic() - start >= SILENCE / 5
    assert job.ends == [['process 1 of 0 to 2 has stopped: image x.png is damaged'], [], ['']]


def test_the_first_says_what_all_have_to_say(job):
    threading.Timer(0.05, job.members[0].report, ['no such config']).start()
    assert not job.members[1].report('no such config')
    assert job.members[2].report('something else')
    assert job.members[0].report('no such config')


def test_a_process_that_is_not_the_first_says_what_the_first_does_not(job):
    assert job.members[1].report('only mine')


class Unreachable:
    def set(self, *unused):
        raise RuntimeError('connection lost')


def test_a_store_that_is_gone_ends_the_process():
    ends = []
    member = Liveness(Unreachable(), 1, 2, SILENCE,
                      lambda line: (ends.append(line), member.stop()))
    member.start()
    time.sleep(1.5)
    assert len(ends) == 1 and 'the process that the others met at (process 0)' in ends[0]


def test_a_failed_operation_waits_for_the_verdict(job):
    job.start()
    job.members[2].stop()
    start = time.monotonic()
    job.members[1].await_verdict()  # returns because it was stopped, in place of the process's end
    assert 0.8 < time.monotonic() - start < 4 and job.ends[1]
