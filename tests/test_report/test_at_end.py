import logging

import pytest
import torch
from mmcv import Config

from mmseg_ssr.report import report_at_end

CPU = torch.device('cpu')


def test_a_run_gets_its_page(copied, no_drawing):
    path = report_at_end(Config(dict(report=dict(images=2))), [str(copied)], CPU)
    assert path == str(copied / 'report.html')
    text = (copied / 'report.html').read_text()
    assert '2 test images' in text and 'Regularization' in text


def test_none_is_made_where_none_is_wanted(copied):
    assert report_at_end(Config(dict(report=False)), [str(copied)], CPU) is None
    assert not (copied / 'report.html').exists()


@pytest.mark.parametrize('error', [RuntimeError('CUDA out of memory'), KeyError('x'),
                                   OSError(28, 'No space left on device'), ImportError('jinja2')])
def test_no_error_of_it_reaches_the_training(copied, monkeypatch, caplog, error):
    def fails(*args, **kwargs):
        raise error

    monkeypatch.setattr('mmseg_ssr.report.write.write_report', fails)
    logger = logging.getLogger('mmseg')
    logger.addHandler(caplog.handler)
    try:
        assert report_at_end(Config(dict()), [str(copied)], CPU) is None
    finally:
        logger.removeHandler(caplog.handler)
    assert f'no report of {copied}: {type(error).__name__}' in caplog.text
