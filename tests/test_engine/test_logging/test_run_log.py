import errno
import json
import logging
import os

import mmcv
import pytest
import tiny_training

from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.logging.run_log import open_log
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import MissingFile, UserError
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')
needs_dev_full = pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no /dev/full')


def full():
    raise OSError(errno.ENOSPC, 'No space left on device')


def log_file():
    """The handler of the log that is open."""
    return next(handler for handler in logging.getLogger('mmseg').handlers
                if isinstance(handler, logging.FileHandler))


def test_runs_of_one_second_have_logs_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr('time.strftime', lambda *args: '20261121_095605')
    paths = []
    for text in 'ab':
        with open_log(str(tmp_path)) as log:
            log.logger.info(text)
            paths.append(log.path)
    assert [os.path.basename(path) for path in paths] == ['20261121_095605.log',
                                                          '20261121_095605_01.log']
    assert 'a' in open(paths[0]).read() and 'b' in open(paths[1]).read()


@needs_dev_full
def test_a_log_that_cannot_be_written_ends_the_run(tmp_path):
    with pytest.raises(UserError, match='cannot be written .No space left on device.: make room'):
        with open_log(str(tmp_path)) as log:
            device = os.open('/dev/full', os.O_WRONLY)
            os.dup2(device, log_file().stream.fileno())
            os.close(device)
            log.logger.info('lost')
    with open_log(str(tmp_path)) as log:
        log.logger.info('the next one has a file again')


def test_a_line_that_makes_no_sense_does_not_end_the_run(tmp_path, capsys):
    with open_log(str(tmp_path)) as log:
        log_file().handle(logging.LogRecord('x', 20, 'x.py', 1, '%d', ('no number', ), None))
        log.logger.info('after it')
    assert 'after it' in open(log.path).read() and 'Logging error' in capsys.readouterr().err


def test_other_errors_of_the_block_are_not_touched(tmp_path):
    with pytest.raises(MissingFile, match='gone'), open_log(str(tmp_path)):
        raise MissingFile('gone')
    with pytest.raises(PermissionError), open_log(str(tmp_path)):
        raise PermissionError(errno.EACCES, 'no')


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match='file/run cannot be written .*whose folder exists'):
        with open_log(str(tmp_path / 'file' / 'run')):
            pass


@pytest.mark.parametrize('iteration', [2, 3])
def test_a_full_disk_under_the_json_log(data, config, tmp_path, monkeypatch, iteration):
    """The second line is that of iteration 2, after which a checkpoint is written."""
    lines, real = [], mmcv.dump

    def fills_up(content, file, **kwargs):
        lines.append(content)
        real(content, file, **kwargs) if len(lines) <= iteration else full()

    monkeypatch.setattr(mmcv, 'dump', fills_up)
    sections = tiny_training.method_config(data, 4, source_only=True)
    sections['log_config']['interval'] = 1
    with pytest.raises(UserError, match='No space left on device.*--resume-from auto'):
        train(config(sections), str(tmp_path / 'run'), CPU, evaluate=False)
    saved = sorted((tmp_path / 'run').glob('*.pth'))
    if iteration == 2:
        assert saved == []
    else:
        assert read_checkpoint(str(saved[0]))['meta']['iter'] == 2
    monkeypatch.undo()
    assert train(config(sections), str(tmp_path / 'run'), CPU, evaluate=False,
                 resume_from='auto').endswith('iter_4.pth')
    text = max((tmp_path / 'run').glob('*.log.json')).read_text()
    assert json.loads(text.splitlines()[-1])['iter'] == 4
