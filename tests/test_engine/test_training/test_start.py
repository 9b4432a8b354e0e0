import logging

import pytest
from mmcv import Config

from mmseg_ssr.engine.logging.run_log import RunLog
from mmseg_ssr.engine.training.start import failed_start
from mmseg_ssr.errors import ConfigError, DataError, explained


@pytest.fixture
def start(tmp_path):
    """What an error means, until the training has worked."""
    log = RunLog(logging.getLogger('mmseg'), 'now', str(tmp_path / 'now.log'))
    cfg = Config(dict(x=1), cfg_text='read', filename='my_run.py')
    return lambda has_worked: explained(failed_start(cfg, log, lambda: has_worked))


def test_a_first_iteration_that_fails_is_a_fault_of_the_config(start, tmp_path):
    with pytest.raises(ConfigError, match='^my_run.py: the first iteration fails, 3 and 4 differ: '
                       'the traceback shows which part .* .traceback in .*now.log.$'):
        with start(has_worked=False):
            raise RuntimeError('3 and 4 differ')
    assert 'RuntimeError: 3 and 4 differ' in (tmp_path / 'now.log').read_text()


@pytest.mark.parametrize('error, has_worked', [
    (RuntimeError('out of memory'), True), (DataError('x.png is damaged'), False)])
def test_other_errors_are_left_as_they_are(start, tmp_path, error, has_worked):
    with pytest.raises(type(error)) as raised, start(has_worked):
        raise error
    assert raised.value is error and not (tmp_path / 'now.log').exists()


@pytest.mark.parametrize('error, remedy', [
    (ValueError('Expected more than 1 value per channel when training, got input size '
                'torch.Size([1, 8, 1, 1])'), 'a batch norm gets one value per channel'),
    (RuntimeError('CUDA out of memory. Tried to allocate 2 GiB'), 'lower data.samples_per_gpu'),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
     'lower data.samples_per_gpu'),
    (RuntimeError('mat1 and mat2 shapes cannot be multiplied (2x64 and 65x8)'), 'in_channels'),
    (KeyError('momentum'), 'the traceback shows which part')])
def test_what_mends_the_first_iteration(start, error, remedy):
    with pytest.raises(ConfigError, match=f'the first iteration fails, .*: .*{remedy}'):
        with start(has_worked=False):
            raise error
