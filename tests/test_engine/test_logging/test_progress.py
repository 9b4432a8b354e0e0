"""The line about how far a training is: in a file and on a terminal."""
import io
import json
import logging
import re
import sys

import pytest
import tiny_training

from mmseg_ssr.engine.training.train import train
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def sections(data):
    found = tiny_training.method_config(data, 4)
    found['log_config'] = dict(interval=1, hooks=[dict(type='ProgressLoggerHook')])
    found['evaluation'] = dict(interval=2, metric='mIoU')
    return found


@pytest.fixture
def stderr(monkeypatch):
    """Lets a new stream be standard error, for the logger as well."""
    def use(stream):
        monkeypatch.setattr(sys, 'stderr', stream)
        console, = [handler for handler in logging.getLogger('mmseg').handlers
                    if type(handler) is logging.StreamHandler][:1] or [None]
        if console is not None:
            monkeypatch.setattr(console, 'stream', stream)
        return stream
    return use


def lines(folder, mark='iter '):
    text = max(folder.glob('2*.log')).read_text()
    return [line.split(' - INFO - ')[1] for line in text.splitlines() if f'INFO - {mark}' in line]


def test_a_plain_line_an_interval(sections, config, tmp_path, stderr):
    stream = stderr(io.StringIO())
    train(config(sections), str(tmp_path), CPU)
    found = lines(tmp_path)
    pattern = (r'iter {}/4, 0:00:\d\d left, \S+ s/iter, lr \d\.\d\de-\d\d, loss \d+\.\d+ '
               r'\(decode.loss_ce \d+\.\d+, mix.decode.loss_ce \d+\.\d+\){}')
    scores = [json.loads(line)['mIoU'] for line in next(tmp_path.glob('*.log.json')).open()
              if '"val"' in line]
    assert len(found) == 4
    for i, line in enumerate(found, 1):
        score = f', mIoU {100 * scores[0]:.2f} at 2' if i > 2 else ''
        assert re.fullmatch(pattern.format(i, re.escape(score)), line), line
    assert all(line in stream.getvalue() for line in found)
    assert lines(tmp_path, 'evaluation')[0].startswith('evaluation at iteration 2: aAcc ')
    assert f'mIoU {100 * scores[0]:.2f}' in lines(tmp_path, 'evaluation')[0]
    assert 'iter/s' not in stream.getvalue()  # no bar


def test_a_terminal_gets_one_line_and_the_file_all(sections, config, tmp_path, stderr):
    console = logging.StreamHandler()
    logger = logging.getLogger('mmseg')
    before = list(logger.handlers)
    logger.handlers = [console]
    try:
        stream = stderr(Terminal())
        console.setStream(stream)
        sections['uda'].update(source_only=True)
        train(config(sections), str(tmp_path), CPU, evaluate=False)
        assert logger.handlers == [console]
    finally:
        logger.handlers = before
    shown = stream.getvalue()
    assert len(lines(tmp_path)) == 4 and not any(line in shown for line in lines(tmp_path))
    assert 'train: 100%' in shown and '4/4' in shown and 'lr ' in shown
    assert 'device cpu' in shown  # the other messages stay


def test_a_resumed_training_remembers_the_score(sections, config, tmp_path):
    sections['uda'].update(source_only=True)
    cfg = config(sections)
    train(cfg, str(tmp_path), CPU)
    first = lines(tmp_path)
    (tmp_path / 'iter_4.pth').unlink()
    train(cfg, str(tmp_path), CPU, resume_from='auto')
    again = lines(tmp_path)
    assert [line.split(', mIoU ')[1] for line in again] == [
        line.split(', mIoU ')[1] for line in first[2:]]
