"""Where a training goes on: damaged and newer checkpoints, seeds, the best checkpoint."""
import logging
import os
import shutil
import zipfile

import pytest
import tiny_training
from comparison import assert_same, outcome

from mmseg_ssr.engine.checkpoint.files import checkpoints_in, read_checkpoint
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import CheckpointError, ConfigError
from mmseg_ssr.utils.device import pick_device

from .trainings import Training, finish

CPU = pick_device('cpu')


def flip_a_byte(path):
    """In the middle of the largest tensor: torch reads such a file without a word."""
    with zipfile.ZipFile(path) as archive:
        record = max(archive.infolist(), key=lambda one: one.file_size)
    with open(path, 'r+b') as file:
        file.seek(record.header_offset + record.file_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def empty_zip(path):
    with zipfile.ZipFile(path, 'w'):
        pass


DAMAGES = {
    'cut off': lambda path: os.truncate(path, os.path.getsize(path) // 2),
    'empty': lambda path: os.truncate(path, 0),
    'garbage': lambda path: path.write_bytes(b'garbage ' * 1000),
    'zip with nothing in it': empty_zip,
    'a byte changed': flip_a_byte,
}


@pytest.fixture
def cut(undisturbed, tmp_path):
    """A copy of the undisturbed training before it was tested."""
    folder = tmp_path / 'run'
    shutil.copytree(undisturbed.folder, folder, symlinks=True)
    (folder / 'result.json').unlink()
    return folder


@pytest.mark.parametrize('damage', DAMAGES)
def test_a_damaged_newest_checkpoint_is_passed_over(undisturbed, configs, cut, damage):
    DAMAGES[damage](cut / 'iter_8.pth')
    training = Training(configs[0], cut)
    assert training.wait() == 0, training.text()[-3000:]
    assert 'iter_8.pth' in training.text() and 'going back to the one before' in training.text()
    assert 'resumed from' in training.text() and 'at iteration 7' in training.text()
    aside, = cut.glob('iter_8.pth.2*')  # nothing is thrown away
    aside.unlink()
    assert_same(outcome(cut), undisturbed.outcome)


def test_all_damaged(configs, cut):
    for path in checkpoints_in(str(cut)):
        os.truncate(path, 1000)
    training = Training(configs[0], cut)
    assert training.wait() == 2
    assert f'none of the 2 checkpoints in {cut} can be read: move them away' in training.text()
    assert 'Traceback' not in training.text()


def test_the_best_checkpoint_is_a_whole_training(undisturbed, configs, cut, tmp_path):
    """It is written in the middle of an evaluation."""
    best, = cut.glob('best_mIoU_iter_*.pth')
    folder = tmp_path / 'from-best'
    training = Training(configs[0], folder, '--resume-from', str(best))
    assert training.wait() == 0, training.text()[-3000:]
    for key in ('state_dict', 'training_state', 'optimizer', 'random_state'):
        assert_same(read_checkpoint(str(folder / 'iter_8.pth'))[key],
                    undisturbed.outcome['checkpoints']['iter_8.pth'][key])
    assert best.exists()  # that of another folder


@pytest.fixture
def source_only(data, config):
    """A training whose seed is drawn."""
    sections = tiny_training.method_config(data, 4, source_only=True)
    del sections['seed']
    return config(sections)


def test_resuming_keeps_the_drawn_seed(source_only, tmp_path):
    source_only.checkpoint_config.max_keep_ckpts = -1
    whole = read_checkpoint(train(source_only, str(tmp_path / 'a'), CPU, evaluate=False))
    os.remove(tmp_path / 'a' / 'iter_4.pth')
    again = read_checkpoint(train(source_only, str(tmp_path / 'a'), CPU, evaluate=False,
                                  resume_from='auto'))
    assert again['meta']['seed'] == whole['meta']['seed']
    assert_same(again['state_dict'], whole['state_dict'])


def test_another_seed_is_refused(source_only, tmp_path):
    path = train(source_only, str(tmp_path), CPU, evaluate=False, seed=5)
    for resume_from in ('auto', path):
        with pytest.raises(ConfigError, match='trained with seed 5, not 6: leave --seed away'):
            train(source_only, str(tmp_path), CPU, evaluate=False, seed=6,
                  resume_from=resume_from)
    assert train(source_only, str(tmp_path), CPU, evaluate=False, seed=5,
                 resume_from='auto') == path


@pytest.mark.parametrize('first', [2, 0])
def test_newer_checkpoints_are_set_aside(source_only, tmp_path, caplog, first):
    """Going on from an older one, and starting anew in a used folder as mmseg's script may."""
    source_only.checkpoint_config.update(interval=1, max_keep_ckpts=-1)
    train(source_only, str(tmp_path), CPU, evaluate=False)
    source_only.checkpoint_config.max_keep_ckpts = 2
    options = dict(resume_from=str(tmp_path / f'iter_{first}.pth')) if first else {}
    with caplog.at_level(logging.WARNING):
        path = train(source_only, str(tmp_path), CPU, evaluate=False, **options)
    assert path == str(tmp_path / 'iter_4.pth')
    assert 'iter_4.pth is newer than where this training starts' in caplog.text
    aside = sorted(path.name.partition('.')[0] for path in tmp_path.glob('iter_*.pth.2*'))
    assert aside == [f'iter_{n}' for n in range(first + 1, 5)]
    assert [os.path.basename(path) for path in checkpoints_in(str(tmp_path))] == [
        'iter_4.pth', 'iter_3.pth']


def test_a_finished_training_in_another_folder_is_what_it_was(source_only, tmp_path):
    path = train(source_only, str(tmp_path / 'a'), CPU, evaluate=False)
    assert train(source_only, str(tmp_path / 'b'), CPU, evaluate=False, resume_from=path) == path


def test_a_config_file_cut_off_by_a_kill_does_not_matter(undisturbed, configs, tmp_path):
    """The first file that a training writes."""
    folder = tmp_path / 'run'
    training = Training(configs[0], folder, kill_at=0)
    training.wait()
    assert len(list(folder.glob('config.py.part-*'))) == 1
    finish(configs[0], folder)
    assert_same(outcome(folder), undisturbed.outcome)


def test_none_of_them_is_of_this_training(source_only, tmp_path):
    (tmp_path / 'iter_3.pth').write_bytes(b'')
    with pytest.raises(CheckpointError, match='none of the 1 checkpoints'):
        train(source_only, str(tmp_path), CPU, evaluate=False, resume_from='auto')
