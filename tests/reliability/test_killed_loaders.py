"""Processes that load data, killed together: the last thing a user reads is one line of ours."""
import os
import re
import signal
from pathlib import Path

import pytest

from .trainings import Training

needs_proc = pytest.mark.skipif(not os.path.exists('/proc/self/task'), reason='no /proc')


def children(pid):
    return [int(child) for task in Path(f'/proc/{pid}/task').iterdir()
            for child in (task / 'children').read_text().split()]


@needs_proc
@pytest.mark.parametrize('moment', ['evaluation at iteration 3', 'evaluation at iteration 6'])
def test_all_loaders_killed_together(configs, tmp_path, moment):
    """Those of the training and of the evaluation, which live on between its rounds."""
    training = Training(configs[2], tmp_path / 'run', '--cfg-options', 'runner.max_iters=1000')
    training.wait_for(moment)
    killed = children(training.pid)
    assert len(killed) == 4
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert training.wait() == 2
    text = training.text()
    assert 'Traceback' not in text and 'Exception ignored' not in text, text[-3000:]
    last = text.strip().splitlines()[-1]
    assert re.match(r'error: a process that loads data has ended '
                    r'\((DataLoader worker \(pid|.*Connection|EOFError)', last)
    assert last.endswith('call again (a training goes on with --resume-from auto)')
    assert text.count('error: ') == 1
