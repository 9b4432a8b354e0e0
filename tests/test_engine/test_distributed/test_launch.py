"""How processes come together and part."""
import argparse
import os
import signal
import sys
import time

import pytest
import torch
from process_pair import run_twice
from torch import distributed as dist

from mmseg_ssr import distributed
from mmseg_ssr.engine.distributed.launch import (
    Place,
    find_place,
    launched,
    launcher_options,
    own_device,
    translate_slurm,
)
from mmseg_ssr.engine.distributed.liveness import EXIT_CODE
from mmseg_ssr.errors import ConfigError, UserError, cli

TORCHRUN = dict(RANK='3', WORLD_SIZE='4', LOCAL_RANK='1', LOCAL_WORLD_SIZE='2',
                MASTER_ADDR='node0', MASTER_PORT='29500')
SLURM = dict(SLURM_PROCID='5', SLURM_NTASKS='8', SLURM_LOCALID='1', SLURM_JOB_ID='123456',
             SLURM_JOB_NODELIST='node[3-4]')


def test_torchrun_is_noticed():
    assert find_place('auto', dict(TORCHRUN)) == Place(3, 4, 1, 2)
    assert find_place('pytorch', dict(TORCHRUN)) == Place(3, 4, 1, 2)
    assert find_place('auto', {}) == Place(0, 1)
    # some clusters set these for programs that are meant to run alone
    assert find_place('auto', dict(RANK='0', WORLD_SIZE='4')) == Place(0, 1)
    assert find_place('auto', dict(SLURM, SLURM_STEP_NUM_TASKS='1')) == Place(0, 1)
    assert find_place('auto', dict(TORCHRUN, SLURM_STEP_NUM_TASKS='2')) == Place(3, 4, 1, 2)


def test_alone_in_spite_of_torchrun():
    assert find_place('none', dict(TORCHRUN)) == Place(0, 1)


def test_the_local_rank_of_older_launchers():
    environment = {name: value for name, value in TORCHRUN.items() if name != 'LOCAL_RANK'}
    assert find_place('pytorch', environment, local_rank=1).local_rank == 1
    parser = argparse.ArgumentParser()
    launcher_options(parser)
    assert parser.parse_args(['--local-rank=1', '--launcher', 'pytorch']).local_rank == 1


@pytest.mark.parametrize('launcher, environment, message', [
    ('pytorch', dict(RANK='0'), 'WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT not set: start'
                                ' with torchrun'),
    ('slurm', dict(SLURM_PROCID='0'), 'SLURM_NTASKS, SLURM_LOCALID not set: start with srun'),
    ('slurm', SLURM, 'set MASTER_ADDR'),
    ('auto', dict(SLURM, SLURM_STEP_NUM_TASKS='8'), 'srun has started 8 processes'),
    ('mpi', {}, "--launcher must be one of .*got 'mpi'")])
def test_missing_variables(launcher, environment, message, monkeypatch):
    monkeypatch.setenv('PATH', '')  # no scontrol
    with pytest.raises(ConfigError, match=message):
        find_place(launcher, dict(environment))


def test_slurm(monkeypatch, tmp_path):
    scontrol = tmp_path / 'scontrol'
    scontrol.write_text(f'#!{sys.executable}\nimport sys\n'
                        'assert sys.argv[1:] == ["show", "hostnames", "node[3-4]"]\n'
                        'print("node3\\nnode4")\n')
    scontrol.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    environment = dict(SLURM)
    assert find_place('slurm', environment) == Place(5, 8, 1)
    assert environment['MASTER_ADDR'] == 'node3' and environment['MASTER_PORT'] == '23456'
    given = dict(SLURM, MASTER_ADDR='elsewhere', MASTER_PORT='1234')
    translate_slurm(given)
    assert given['MASTER_ADDR'] == 'elsewhere' and given['MASTER_PORT'] == '1234'


@pytest.fixture
def accelerators(monkeypatch):
    """A machine with four."""
    chosen = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 4)
    monkeypatch.setattr(torch.cuda, 'set_device', chosen.append)
    return chosen


def test_each_process_has_a_device_of_its_own(accelerators):
    device = own_device('auto', Place(6, 8, 2, 4))
    assert device.index == 2 and device.type != 'cpu' and accelerators == [2]
    assert own_device('cpu', Place(6, 8, 2, 4)) == torch.device('cpu')
    assert own_device('auto', Place()).index == 0
    with pytest.raises(ConfigError, match='5 processes on a machine with 4 accelerators: start'):
        own_device('auto', Place(0, 5, 0, 5))


def test_one_device_is_not_for_many():
    with pytest.raises(ConfigError, match='names one device for 2 processes'):
        own_device('cpu:0', Place(0, 2, 0, 2))


def test_a_process_that_is_alone_meets_nobody(monkeypatch):
    for name in TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    with launched(device='cpu') as device:
        assert device == torch.device('cpu') and not dist.is_initialized()


def finish():
    with launched(device='cpu'):
        distributed.wait_for_all()
    print('initialized', dist.is_initialized())


def lose_one():
    with launched(device='cpu', silence=2.):
        total = torch.ones(())
        for i in range(100):
            try:
                dist.all_reduce(total)
            except RuntimeError as error:  # as if a value of the config were wrong
                raise ConfigError(f'the first iteration fails: {error}') from error
            if i == 3 and dist.get_rank() == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            if i == 3 and dist.get_rank() == 0:
                print('lost')


@cli
def fail_together():
    with launched(device='cpu', silence=5.):
        raise UserError('there is no such file')


@cli
def fail_alone():
    with launched(device='cpu', silence=5.):
        if dist.get_rank() == 1:
            raise UserError('image x.png is damaged')
        distributed.wait_for_all()


def test_together_and_apart_again(tmp_path):
    codes, texts = run_twice(finish, tmp_path)
    assert codes == [0, 0] and texts == ['initialized False\n'] * 2


def test_a_killed_process_ends_the_other_with_one_line(tmp_path):
    start = time.monotonic()
    codes, (text, _) = run_twice(lose_one, tmp_path)
    assert time.monotonic() - start < 60
    assert codes == [EXIT_CODE, -signal.SIGKILL]
    assert text.startswith('lost\nerror: no sign of life from process 1 of 0 to 1')
    assert 'Traceback' not in text and text.count('\n') == 2


def test_what_all_have_to_say_is_said_once(tmp_path):
    codes, texts = run_twice(fail_together, tmp_path)
    assert codes == [2, 2] and texts == ['error: there is no such file\n', '']


def test_an_error_of_one_ends_both(tmp_path):
    codes, texts = run_twice(fail_alone, tmp_path)
    assert codes[1] == 2 and texts[1] == 'error: image x.png is damaged\n'
    assert codes[0] == EXIT_CODE
    assert texts[0] == 'error: process 1 of 0 to 1 has stopped: image x.png is damaged\n'
