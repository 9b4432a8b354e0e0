import errno
import logging
import os
import pickle

import numpy as np
import pytest
import torch

from mmseg_ssr.engine.checkpoint.files import (
    checkpoints_in,
    complete_saving,
    newest_readable,
    plain,
    point_latest_at,
    read_checkpoint,
    remove_old,
    set_aside_newer,
    write_checkpoint,
)
from mmseg_ssr.errors import CheckpointError, MissingFile, UserError


@pytest.fixture
def folder(tmp_path):
    for iteration in (2, 10, 4):
        write_checkpoint(dict(meta=dict(iter=iteration)), str(tmp_path / f'iter_{iteration}.pth'))
    return str(tmp_path)


def test_what_is_written_is_read_without_running_code(tmp_path):
    path = str(tmp_path / 'a' / 'x.pth')
    write_checkpoint(dict(meta=dict(score=np.float64(0.5), classes=('a', 'b')),
                          state_dict=dict(w=torch.ones(2)), table=np.arange(3)), path)
    content = torch.load(path, weights_only=True)
    assert content['meta'] == dict(score=0.5, classes=('a', 'b'))
    assert torch.equal(content['table'], torch.arange(3))


def test_plain_keeps_containers():
    value = plain([(np.int64(1), {'a': np.bool_(True)}), None, 'text'])
    assert value == [(1, {'a': True}), None, 'text']
    assert type(value[0][0]) is int


class Unwritable:
    def __reduce__(self):
        raise OSError(28, 'No space left on device')


def test_a_failed_write_leaves_the_file_that_was_there(tmp_path):
    path = str(tmp_path / 'x.pth')
    write_checkpoint(dict(a=1), path)
    with pytest.raises(UserError, match='cannot be written .*No space left.*make room'):
        write_checkpoint(dict(a=Unwritable()), path)
    assert read_checkpoint(path) == dict(a=1)
    assert os.listdir(tmp_path) == ['x.pth']


def test_a_write_interrupted_before_the_rename_leaves_the_file_that_was_there(tmp_path,
                                                                              monkeypatch):
    path = str(tmp_path / 'x.pth')
    write_checkpoint(dict(a=1), path)

    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, 'replace', killed)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(dict(a=2), path)
    assert read_checkpoint(path) == dict(a=1)


def test_missing(tmp_path):
    with pytest.raises(MissingFile, match='checkpoint .*nowhere.pth is missing'):
        read_checkpoint(str(tmp_path / 'nowhere.pth'))


@pytest.mark.parametrize('damage', ['truncated', 'empty', 'text', 'zeros', 'flipped', 'empty zip'])
def test_damaged(tmp_path, damage):
    path = tmp_path / 'x.pth'
    write_checkpoint(dict(state_dict=dict(w=torch.ones(1000))), str(path))
    whole = path.read_bytes()
    middle = len(whole) - 3000  # in the tensor
    path.write_bytes({
        'truncated': whole[:1500], 'empty': b'', 'text': b'hello world', 'zeros': bytes(3000),
        'flipped': whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:],
        'empty zip': b'PK\x05\x06' + bytes(18)}[damage])
    with pytest.raises(CheckpointError, match=f'{path} .*(damaged|cannot be read)'):
        read_checkpoint(str(path))


def test_not_a_dict(tmp_path):
    torch.save([1, 2], tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match='holds no state dict'):
        read_checkpoint(str(tmp_path / 'x.pth'))


class Code:
    ran = False

    def __reduce__(self):
        return setattr, (Code, 'ran', True)


def test_a_file_that_would_run_code_is_refused_unless_trusted(tmp_path):
    path = str(tmp_path / 'x.pth')
    torch.save(dict(state_dict=dict(w=torch.ones(1)), meta=Code()), path)
    with pytest.raises(CheckpointError, match='could run code.*--trust-checkpoint'):
        read_checkpoint(path)
    assert not Code.ran
    assert 'state_dict' in read_checkpoint(path, trusted=True)
    assert Code.ran
    Code.ran = False


def test_numpy_scalars_of_older_checkpoints_are_read(tmp_path):
    path = str(tmp_path / 'x.pth')
    torch.save(dict(meta=dict(best=np.float64(0.7), n=np.int64(3)), state_dict={}), path)
    assert read_checkpoint(path)['meta'] == dict(best=0.7, n=3)


def test_numpy_scalars_pickled_by_numpy_1_are_read(tmp_path):
    path = tmp_path / 'x.pth'
    torch.save(dict(meta=np.float64(0.7)), path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes().replace(b'numpy._core.multiarray', b'numpy.core.multiarray'))
    assert read_checkpoint(str(path))['meta'] == 0.7


def test_newest_first(folder):
    assert [os.path.basename(path) for path in checkpoints_in(folder)] == [
        'iter_10.pth', 'iter_4.pth', 'iter_2.pth']
    assert checkpoints_in(os.path.join(folder, 'nowhere')) == []


def test_a_damaged_newest_one_falls_back_with_a_warning(folder, caplog):
    with open(os.path.join(folder, 'iter_10.pth'), 'wb') as file:
        file.write(b'half')
    with caplog.at_level(logging.WARNING):
        path, content = newest_readable(folder, logging.getLogger('test'))
    assert path.endswith('iter_4.pth') and content['meta']['iter'] == 4
    assert 'iter_10.pth' in caplog.text and 'going back' in caplog.text


def test_none_readable(tmp_path):
    assert newest_readable(str(tmp_path), logging.getLogger('test')) is None


def test_what_a_killed_training_had_no_time_for_is_done(folder):
    os.symlink('iter_4.pth', os.path.join(folder, 'latest.pth'))
    complete_saving(folder, 2, link=True)
    assert os.readlink(os.path.join(folder, 'latest.pth')) == 'iter_10.pth'
    assert sorted(os.listdir(folder)) == ['iter_10.pth', 'iter_4.pth', 'latest.pth']
    os.remove(os.path.join(folder, 'latest.pth'))
    complete_saving(folder, 2, link=False)
    assert 'latest.pth' not in os.listdir(folder)
    complete_saving(os.path.join(folder, 'nowhere'), 2, link=True)


def test_the_newest_are_kept(folder):
    remove_old(folder, -1)
    assert len(checkpoints_in(folder)) == 3
    remove_old(folder, 2)
    assert [os.path.basename(path) for path in checkpoints_in(folder)] == [
        'iter_10.pth', 'iter_4.pth']


def test_latest_follows(folder):
    for name in ('iter_4.pth', 'iter_10.pth'):
        point_latest_at(os.path.join(folder, name))
    assert read_checkpoint(os.path.join(folder, 'latest.pth'))['meta']['iter'] == 10


def test_pickle_is_not_a_checkpoint(tmp_path):
    path = tmp_path / 'x.pth'
    path.write_bytes(pickle.dumps(Code()))
    with pytest.raises(CheckpointError):
        read_checkpoint(str(path))
    assert not Code.ran


@pytest.mark.parametrize('number, remedy', [(errno.EACCES, 'permission'), (errno.EIO, 'disk')])
def test_what_the_system_refuses_is_not_called_truncated(tmp_path, monkeypatch, number, remedy):
    write_checkpoint(dict(state_dict={}), str(tmp_path / 'a.pth'))

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(torch, 'load', refuse)
    with pytest.raises(CheckpointError, match=rf'a.pth cannot be read \(.*{remedy}') as error:
        read_checkpoint(str(tmp_path / 'a.pth'))
    assert 'truncated' not in str(error.value)


def test_a_named_pipe_is_no_checkpoint(tmp_path):
    os.mkfifo(tmp_path / 'iter_3.pth')
    with pytest.raises(CheckpointError, match='iter_3.pth is a named pipe, expected a file'):
        read_checkpoint(str(tmp_path / 'iter_3.pth'))


def test_newer_ones_than_the_start_are_set_aside(folder, caplog):
    with caplog.at_level(logging.WARNING):
        set_aside_newer(folder, 4, 'old', logging.getLogger('test'))
    assert sorted(os.listdir(folder)) == ['iter_10.pth.old', 'iter_2.pth', 'iter_4.pth']
    assert 'it is called iter_10.pth.old now' in caplog.text and len(caplog.records) == 1


def test_to_keep_none_is_to_keep_all(folder):
    remove_old(folder, 0)
    assert len(checkpoints_in(folder)) == 3


def test_tensors_are_saved_without_their_graphs():
    value = plain(dict(w=[torch.ones(2, requires_grad=True) * 2]))
    assert value['w'][0].is_leaf and not value['w'][0].requires_grad
    content = np.arange(3)
    saved = plain(content)
    content[0] = 7
    assert saved.tolist() == [0, 1, 2]


def test_a_checkpoint_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls = []
    for name in ('fsync', 'replace'):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, real=real: (
            calls.append(name), real(*args)))
    write_checkpoint(dict(a=1), str(tmp_path / 'x.pth'))
    assert calls == ['fsync', 'replace', 'fsync']
