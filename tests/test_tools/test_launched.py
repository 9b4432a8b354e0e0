"""The commands as two processes of a launcher."""
import json
import pickle
import runpy
import sys

import numpy as np
import tiny_training
from process_pair import run_twice

ARGUMENTS = ['--launcher', 'pytorch', '--device', 'cpu']


def run(tool, argv):
    sys.argv = [tool, *argv]
    runpy.run_path(str(tiny_training.ROOT / tool), run_name='__main__')


def test_train_and_test(data, config_file, tmp_path, tool, capsys):
    config = config_file(tiny_training.method_config(data, 2))
    work_dir = tmp_path / 'run'
    codes, (first, second) = run_twice(run, tmp_path, 'run_experiments.py', [
        '--config', config, '--work-dir', str(work_dir), *ARGUMENTS])
    assert codes == [0, 0], first + second
    result = json.loads((work_dir / 'result.json').read_text())
    assert f'mIoU {result["mIoU"]:.2f}' in first and 'batch of 4 in 2 process(es)' in first
    assert not second  # all is said once

    checkpoint = str(work_dir / 'iter_2.pth')
    outputs = [str(tmp_path / f'{name}.pkl') for name in ('two', 'one')]
    codes, texts = run_twice(run, tmp_path, 'tools/test.py', [
        config, checkpoint, '--eval', 'mIoU', '--out', outputs[0], *ARGUMENTS])
    assert codes == [0, 0], texts
    tool('test').main([config, checkpoint, '--eval', 'mIoU', '--out', outputs[1]])
    alone = capsys.readouterr().out
    assert alone[alone.index('Summary'):] in texts[0] and not texts[1]
    two, one = (pickle.loads(open(path, 'rb').read()) for path in outputs)
    assert len(two) == len(one) == 3
    for own, expected in zip(two, one):
        assert all(np.array_equal(a, b) for a, b in zip(own, expected))

    codes, texts = run_twice(run, tmp_path, 'tools/train.py', [
        config, '--work-dir', str(work_dir), '--load-from', 'nowhere.pth', *ARGUMENTS])
    assert codes == [2, 2] and 'nowhere.pth is missing' in texts[0] and not texts[1]
