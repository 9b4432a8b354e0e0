"""A disk that takes no more: one line, a non-zero exit code, and nothing that was there is lost."""
import os
import resource
import signal
from functools import partial

import pytest
from comparison import assert_same, outcome

from mmseg_ssr.engine.checkpoint.files import checkpoints_in, read_checkpoint

from .trainings import Training, finish


def limit_files(size):
    """Let files of this process grow to ``size`` bytes only: as on a full disk, writing fails."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def only_line_of_error(training):
    lines = [line for line in training.text().splitlines() if line.startswith('error: ')]
    assert len(lines) == 1 and 'Traceback' not in training.text()
    return lines[0]


@pytest.mark.parametrize('share', [0.01, 0.99])
def test_no_room_for_a_checkpoint(undisturbed, configs, tmp_path, share):
    """Whether it breaks off in the first bytes or in the last."""
    folder = tmp_path / 'run'
    Training(configs[0], folder, kill_at=undisturbed.steps.index('symlink')).wait()
    before = {path: os.stat(path).st_mtime_ns for path in checkpoints_in(str(folder))}
    assert len(before) == 1
    size = int(share * os.path.getsize(next(iter(before))))
    training = Training(configs[0], folder, prepare=partial(limit_files, max(size, 30000)))
    assert training.wait() == 2
    error = only_line_of_error(training)
    assert 'iter_2.pth cannot be written' in error and 'File too large' in error
    assert 'make room' in error
    assert {path: os.stat(path).st_mtime_ns for path in checkpoints_in(str(folder))} == before
    assert not list(folder.glob('*.part-*'))
    read_checkpoint(next(iter(before)))
    finish(configs[0], folder)
    assert_same(outcome(folder), undisturbed.outcome)
