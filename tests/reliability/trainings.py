"""Trainings in processes of their own, which can be killed; a server with all imports forks them.

A process that starts from nothing needs seconds for its imports; a forked one begins to train at
once, so that a test can afford many.
"""
import functools
import json
import multiprocessing
import os
import signal
import sys
import time
from multiprocessing import forkserver
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny_training
from comparison import outcome

from .faults import Steps

sys.path.insert(0, str(tiny_training.ROOT))
import run_experiments  # the server imports it once for all

KILLED = -signal.SIGKILL
ITERATIONS = 8


class Training:
    """``run_experiments.py --config CONFIG --work-dir FOLDER --resume-from auto`` as a process.

    Args:
        folder: work directory; output is in FOLDER.out.
        kill_at, protocol: see :class:`faults.Steps`.
        prepare: called in the process before anything else.
    """

    def __init__(self, config, folder, *options, kill_at=None, protocol=None, prepare=None):
        self.output = f'{folder}.out'
        open(self.output, 'a').close()
        arguments = ['--config', str(config), '--work-dir', str(folder), '--resume-from', 'auto',
                     '--device', 'cpu', '--deterministic', *options]
        self._process = _server().Process(
            target=_train, args=(arguments, self.output, Steps(kill_at, protocol), prepare))
        self._process.start()
        self.pid = self._process.pid

    def wait(self, seconds=300):
        """The exit code, that of the shell where a signal was answered, -N where it killed."""
        self._process.join(seconds)
        if self._process.is_alive():
            self.kill()
            raise TimeoutError(self.text())
        return self._process.exitcode

    def kill(self):
        self._process.kill()
        self._process.join()

    def kill_after(self, seconds):
        """SIGKILL after a while; whether it came in time."""
        self._process.join(seconds)
        self.kill()
        return self._process.exitcode == KILLED

    def text(self):
        return Path(self.output).read_text(errors='replace')

    def wait_for(self, text, seconds=120):
        """Wait until the process has said so."""
        until = time.monotonic() + seconds
        while text not in self.text():
            if time.monotonic() > until or not self._process.is_alive():
                raise AssertionError(f'{text!r} not in {self.text()[-2000:]}')
            time.sleep(0.01)


def finish(config, folder, *options):
    """Go on to the end."""
    training = Training(config, folder, *options)
    assert training.wait() == 0, training.text()[-3000:]


def sections(data, workers=0):
    """Every part of the step; a checkpoint after each iteration, scores now and then."""
    config = tiny_training.ssr_config(data, ITERATIONS)
    config['data']['workers_per_gpu'] = workers
    config['checkpoint_config']['interval'] = 1
    config['evaluation'] = dict(interval=3, metric='mIoU', save_best='mIoU')
    config['log_config'] = dict(interval=2, hooks=[
        dict(type='ProgressLoggerHook'), dict(type='TensorboardLoggerHook')])
    return config


class Undisturbed:
    """A training that was left alone: its outcome, duration and steps of writing files."""

    def __init__(self, config, folder):
        protocol = folder / 'steps.json'
        Training(config, folder / 'warm', '--cfg-options', 'runner.max_iters=1').wait()
        start = time.monotonic()
        training = Training(config, folder / 'run', protocol=protocol)
        assert training.wait() == 0, training.text()[-3000:]
        self.seconds = time.monotonic() - start
        self.folder = folder / 'run'
        self.steps = json.loads(protocol.read_text())
        self.outcome = outcome(self.folder)


@functools.lru_cache(None)
def _server():
    """What starts processes: a server that has imported this module, and so all that they need."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['trainings'])
    with pytest.MonkeyPatch.context() as patch:  # it does not look at our sys.path
        patch.setenv('PYTHONPATH', os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return context


def _train(arguments, output, steps, prepare):
    os.setpgrp()
    multiprocessing.set_start_method('fork', force=True)  # as where nobody has forked
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.argv = ['run_experiments.py', *arguments]
    _save_time()
    steps.install()
    if prepare is not None:
        prepare()
    run_experiments.main()
    steps.write_protocol()


def _save_time():
    """No rest after a training; half of a tiny training's time goes into laying out its config."""
    import mmcv.runner.iter_based_runner

    from mmseg_ssr.engine.config import saved
    mmcv.runner.iter_based_runner.time = SimpleNamespace(sleep=lambda seconds: None)
    saved.FormatCode = lambda text, style_config: (text, True)
