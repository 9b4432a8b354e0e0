"""Workloads that leave a trace of when they were run."""
import os
import resource
import time

import torch

from mmseg_ssr.benchmark.measure import Workload
from mmseg_ssr.errors import ConfigError


class Tracing(Workload):

    def __init__(self, device, name, trace):
        self.name, self.trace = name, trace

    def note(self, what):
        with open(self.trace, 'a') as file:
            file.write(f'{what} {self.name} {os.getpid()} {torch.get_num_threads()}\n')

    def warm_up(self):
        self.note('warm')
        return dict(warm=True)

    def run(self):
        print('not for the tables', flush=True)
        self.note('run')

    def finish(self):
        self.note('finish')
        return dict(done=self.name)


def refuse(device, name, trace):
    raise ConfigError(f'{name} is\nnot for {device}')


class Place(Workload):
    """Tells where it is, and whether CUDA can still be used there."""

    def __init__(self, device):
        self.device = device

    def warm_up(self):
        return dict(device=str(self.device), forked=torch.cuda._is_in_bad_fork())


class Dying(Tracing):

    def run(self):
        os._exit(9)


class Failing(Tracing):

    def run(self):
        raise RuntimeError('out of luck')


class Filling(Workload):
    """Tells how many pages of memory the last of five equal tensors gets anew."""

    def __init__(self, device):
        pass

    def run(self):
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            torch.ones(16_000_000)
        self.pages = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    def finish(self):
        return dict(pages=self.pages)


class Sleeping(Workload):

    def __init__(self, device):
        time.sleep(60)
