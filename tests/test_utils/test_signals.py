import os
import signal
import threading

import pytest
import tiny_training
from comparison import assert_same, outcome

from mmseg_ssr.engine.checkpoint import files as checkpoint
from mmseg_ssr.engine.checkpoint.files import checkpoints_in
from mmseg_ssr.engine.config import saved
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.experiments import run as experiment
from mmseg_ssr.engine.experiments.run import train_and_test
from mmseg_ssr.engine.on_device import OnDevice
from mmseg_ssr.engine.testing import evaluate as evaluation
from mmseg_ssr.errors import Interrupted, UserError
from mmseg_ssr.utils.device import pick_device
from mmseg_ssr.utils.signals import SIGNALS, Interruption, resumable, resume_command

CPU = pick_device('cpu')
INT, TERM, USR1 = signal.SIGINT, signal.SIGTERM, signal.SIGUSR1


@pytest.fixture(autouse=True)
def handlers():
    """After each test this process answers signals as before."""
    before = {signum: signal.getsignal(signum) for signum in SIGNALS}
    yield
    assert {signum: signal.getsignal(signum) for signum in SIGNALS} == before


@pytest.fixture
def signals(monkeypatch):
    """``signals(Class, method, signum, call)``: that call of the method comes with a signal."""

    def send(owner, name, signum, call):
        calls, real = [], getattr(owner, name)

        def sending(*args, **kwargs):
            calls.append(name)
            if len(calls) == call:
                os.kill(os.getpid(), signum)
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, sending)

    return send


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Laying out the config's text takes longer than these trainings."""
    monkeypatch.setattr(saved, 'FormatCode', lambda text, style_config: (text, True))


@pytest.fixture(scope='module')
def cfg(data, tmp_path_factory):
    """Six iterations, three images scored after the third and the sixth."""
    sections = tiny_training.ssr_config(data, 6)
    sections['checkpoint_config']['interval'] = 4
    sections['evaluation'] = dict(interval=3, metric='mIoU', save_best='mIoU')
    sections['log_config'] = dict(interval=2, hooks=[
        dict(type='TextLoggerHook'), dict(type='TensorboardLoggerHook')])
    path = tmp_path_factory.mktemp('config') / 'config.py'
    return load_config(tiny_training.write_config(path, sections))


@pytest.fixture(scope='module')
def undisturbed(cfg, tmp_path_factory):
    """Outcome of the training that got no signal."""
    folder = tmp_path_factory.mktemp('undisturbed')
    train_and_test(cfg, str(folder), CPU)
    return but_for_the_signal(outcome(folder))


def but_for_the_signal(result):
    """An outcome without the last but one checkpoint, which is that of the signal."""
    del result['files']
    result['checkpoints'] = {name: content for name, content in result['checkpoints'].items()
                             if name in ('iter_6.pth', 'latest.pth') or 'best' in name}
    return result


def stopped(cfg, folder):
    """Train until a signal; returns the error and the name of the newest checkpoint."""
    with pytest.raises(Interrupted) as error:
        train_and_test(cfg, str(folder), CPU)
    return error.value, [os.path.basename(path) for path in checkpoints_in(str(folder))][:1]


def go_on(cfg, folder):
    """The outcome after all."""
    train_and_test(cfg, str(folder), CPU, resume_from='auto')
    return but_for_the_signal(outcome(folder))


@pytest.mark.parametrize('signum, iteration', [(INT, 1), (TERM, 5)])
def test_the_iteration_is_finished_and_saved(cfg, undisturbed, signals, tmp_path, signum,
                                             iteration):
    signals(OnDevice, 'train_step', signum, iteration)
    error, saved = stopped(cfg, tmp_path)
    assert error.code == 128 + signum and saved == [f'iter_{iteration}.pth']
    assert error.message == f'stopped by {signum.name} after iteration {iteration}, which is saved'
    assert_same(go_on(cfg, tmp_path), undisturbed)


@pytest.mark.parametrize('call, iteration', [(2, 3), (5, 6)])
def test_an_evaluation_is_broken_off_and_made_up_for(cfg, undisturbed, signals, tmp_path, call,
                                                     iteration):
    """That after the last iteration too, when there is nothing left to train."""
    signals(evaluation, 'confusion_matrix', TERM, call)
    error, saved = stopped(cfg, tmp_path)
    assert f'after iteration {iteration}, which is saved' in error.message
    assert saved == [f'iter_{iteration}.pth']
    assert_same(go_on(cfg, tmp_path), undisturbed)


def test_before_the_first_iteration_there_is_nothing_to_save(data, config, signals, tmp_path):
    sections = tiny_training.method_config(data, 2)
    sections['evaluation'] = dict(start=0, interval=1)
    signals(evaluation, 'confusion_matrix', TERM, 1)
    error, saved = stopped(config(sections), tmp_path)
    assert saved == [] and 'before the first iteration: there is nothing to save' in error.message


def test_a_signal_in_the_iteration_that_is_evaluated(cfg, undisturbed, signals, tmp_path,
                                                     monkeypatch):
    """The evaluation is not even begun."""
    signals(OnDevice, 'train_step', TERM, 3)
    with monkeypatch.context() as patch:
        patch.setattr(evaluation, 'confusion_matrix', None)
        _, saved = stopped(cfg, tmp_path)
    assert saved == ['iter_3.pth']
    assert_same(go_on(cfg, tmp_path), undisturbed)


def test_what_is_saved_already_is_not_written_again(cfg, signals, tmp_path, monkeypatch):
    written, real = [], checkpoint.write_checkpoint
    monkeypatch.setattr('mmseg_ssr.engine.training.runner.write_checkpoint',
                        lambda content, path: (written.append(path), real(content, path)))
    signals(OnDevice, 'train_step', USR1, 4)
    stopped(cfg, tmp_path)
    assert sorted(map(os.path.basename, written)) == ['best_mIoU_iter_3.pth', 'iter_4.pth']


def test_without_links_a_signal_makes_none(cfg, signals, tmp_path):
    cfg.checkpoint_config.create_symlink = False
    signals(OnDevice, 'train_step', USR1, 5)
    _, saved = stopped(cfg, tmp_path)
    assert saved == ['iter_5.pth'] and not (tmp_path / 'latest.pth').exists()


def test_a_signal_while_a_checkpoint_is_written_waits_for_it(cfg, signals, tmp_path):
    signals(checkpoint.torch, 'save', INT, 2)  # that of iteration 4, the first is the best one's
    error, saved = stopped(cfg, tmp_path)
    assert 'after iteration 4, which is saved' in error.message and saved == ['iter_4.pth']
    assert checkpoint.read_checkpoint(str(tmp_path / 'iter_4.pth'))['meta']['iter'] == 4


def test_before_and_after_the_training_it_ends_at_once(cfg, signals, tmp_path):
    with pytest.raises(Interrupted, match='143') as error, resumable(['x.py'], 'work'):
        os.kill(os.getpid(), TERM)
    assert error.value.message == ('stopped by SIGTERM; to go on: python x.py --work-dir work '
                                   '--resume-from auto')
    signals(experiment, 'run_test', TERM, 1)
    with pytest.raises(Interrupted), resumable(['x.py']):
        train_and_test(cfg, str(tmp_path / 'run'), CPU)
    assert not (tmp_path / 'run' / 'result.json').exists()
    assert os.path.basename(checkpoints_in(str(tmp_path / 'run'))[0]) == 'iter_6.pth'


def test_a_request_that_nobody_obeyed_is_not_forgotten():
    with pytest.raises(Interrupted), Interruption(at_once=False):
        os.kill(os.getpid(), INT)
    with pytest.raises(UserError), Interruption(at_once=False):  # an error comes first
        os.kill(os.getpid(), INT)
        raise UserError('full')


def test_a_block_that_may_be_left(monkeypatch):
    with pytest.raises(Interrupted), Interruption(at_once=False) as interruption:
        with interruption.obeyed_at_once():
            pass
        os.kill(os.getpid(), INT)
        with interruption.obeyed_at_once():
            raise AssertionError('begun')
    monkeypatch.setattr('mmseg_ssr.distributed.world_size', lambda: 2)
    with pytest.raises(Interrupted), Interruption(at_once=False) as interruption:
        with interruption.obeyed_at_once():  # the other process would wait for this one
            os.kill(os.getpid(), INT)


def test_what_was_ignored_stays_ignored():
    before = signal.signal(INT, signal.SIG_IGN)
    with Interruption():
        os.kill(os.getpid(), INT)
    signal.signal(INT, before)


def test_outside_the_main_thread_nothing_is_changed():
    seen = []

    def look():
        with Interruption():
            seen.append(signal.getsignal(INT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(INT)]


@pytest.mark.parametrize('arguments, work_dir, command', [
    ('run.py --config a.py --seed 1', 'w', 'run.py --config a.py --seed 1 --work-dir w '
                                           '--resume-from auto'),
    ('run.py --resume-from --config a.py --work-dir old', 'w', 'run.py --config a.py --work-dir w '
                                                               '--resume-from auto'),
    ('run.py --resume-from=auto --work-dir=old --config a.py', 'w',
     'run.py --config a.py --work-dir w --resume-from auto'),
    ('tools/train.py a.py --resume-from x.pth --deterministic', 'my runs',
     "tools/train.py a.py --deterministic --work-dir 'my runs' --resume-from auto"),
    ('run.py --exp ssr --seed 1', None, 'run.py --exp ssr --seed 1'),
])
def test_the_command_that_goes_on(arguments, work_dir, command):
    assert resume_command(arguments.split(), work_dir) == f'python {command}'
