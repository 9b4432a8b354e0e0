"""Two thousand iterations: memory and open files stay as they are."""
import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_training

from .test_soak import start

ITERATIONS = 2000
WARM = 500
#: Bytes an iteration that a fit over 1500 iterations may show; a leak of one number a loss is more.
SLOPE = 1024


def resident(process):
    """Bytes of a process that are in memory, without what it shares with others."""
    fields = Path(f'/proc/{process}/statm').read_text().split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf('SC_PAGE_SIZE')


def iteration(folder):
    """The newest one in the log, 0 before the first."""
    logs = sorted(folder.glob('*.log.json'))
    lines = logs[-1].read_text().splitlines() if logs else []
    return max((json.loads(line).get('iter', 0) for line in lines[-3:] if line.endswith('}')),
               default=0)


@pytest.mark.soak
@pytest.mark.skipif(not os.path.isdir('/proc/self/fd'), reason='reads /proc')
def test_memory_and_files_stay_flat(data, tmp_path):
    config = tiny_training.ssr_config(data, ITERATIONS)
    config['data']['workers_per_gpu'] = 1
    config['checkpoint_config']['interval'] = 100
    config['uda']['debug_img_interval'] = 100  # what drawing needs at first is there before WARM
    config['evaluation'] = dict(interval=ITERATIONS, metric='mIoU')
    config['log_config'] = dict(interval=10, hooks=[
        dict(type='TextLoggerHook'), dict(type='TensorboardLoggerHook')])
    folder = tmp_path / 'run'
    process = start(tiny_training.write_config(tmp_path / 'load.py', config), folder)
    seen = []  # (iteration, bytes, open files, seconds)
    while process.poll() is None:
        try:
            if iteration(folder) > (seen[-1][0] if seen else 0):
                seen.append((iteration(folder), resident(process.pid),
                             len(os.listdir(f'/proc/{process.pid}/fd')), time.monotonic()))
        except (FileNotFoundError, ProcessLookupError, IndexError, subprocess.SubprocessError):
            break  # it has just ended
        time.sleep(0.2)
    assert process.wait() == 0, Path(f'{folder}.out').read_text()[-3000:]
    seen = np.array([row for row in seen if row[0] < ITERATIONS])
    report(seen)
    warm = seen[seen[:, 0] >= WARM]
    assert len(warm) > 50
    assert np.polyfit(warm[:, 0], warm[:, 1], 1)[0] < SLOPE
    assert warm[-1, 2] <= warm[0, 2]


def report(seen):
    print()
    for wanted in (200, 1000, ITERATIONS - 10):
        row = seen[np.abs(seen[:, 0] - wanted).argmin()]
        print(f'iteration {row[0]:.0f}: {row[1] / 2**20:.1f} MiB, {row[2]:.0f} open files')
    warm = seen[seen[:, 0] >= WARM]
    slope = np.polyfit(warm[:, 0], warm[:, 1], 1)[0]
    half = len(warm) // 2
    speeds = [np.diff(part[[0, -1], 3])[0] / np.diff(part[[0, -1], 0])[0]
              for part in (warm[:half], warm[half:])]
    print(f'{slope:.0f} bytes an iteration from {WARM} on; {1000 * speeds[0]:.0f} ms an iteration '
          f'in the first half, {1000 * speeds[1]:.0f} ms in the second')
