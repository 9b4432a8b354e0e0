import pytest
import torch

from mmseg_ssr.errors import CheckpointError, MissingFile
from mmseg_ssr.weights import FILES, check_values, read_weights


def test_reads_a_state_dict_and_one_inside_a_checkpoint(tmp_path):
    state = {'a': torch.ones(2)}
    for name, content in (('plain.pth', state), ('full.pth', dict(state_dict=state, meta={}))):
        torch.save(content, tmp_path / name)
        assert torch.equal(read_weights(tmp_path / name)['a'], state['a'])


@pytest.mark.parametrize('name', FILES)
def test_a_missing_published_file_says_how_to_get_it(name):
    with pytest.raises(MissingFile) as error:
        read_weights(f'pretrained/{FILES[name].file}')
    assert (f'pretrained/{FILES[name].file} is missing: fetch it with `mmseg-ssr weights {name}`'
            in str(error.value))
    assert FILES[name].url in str(error.value)


def test_another_missing_file():
    with pytest.raises(MissingFile, match='weights file own.pth is missing: put the file there'):
        read_weights('own.pth')


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ('code was run', )

    torch.save({'a': Evil()}, tmp_path / 'evil.pth')
    with pytest.raises(CheckpointError, match='could run code.*mmseg-ssr plain-weights .*--trust'):
        read_weights(tmp_path / 'evil.pth')


@pytest.mark.parametrize('content', [b'', b'not weights', b'PK\x03\x04 cut off'])
def test_damaged_files(tmp_path, content):
    path = tmp_path / 'mit_b5.pth'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match='mit_b5.pth cannot be read, it may be truncated'):
        read_weights(path)


def test_a_file_without_a_state_dict(tmp_path):
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(CheckpointError, match='holds no state dict'):
        read_weights(tmp_path / 'list.pth')


@pytest.mark.parametrize('name', ['model.safetensors', 'mit_b5.pth'])
def test_safetensors_by_name_and_by_content(tmp_path, name):
    module = pytest.importorskip('safetensors.torch')
    path = tmp_path / name
    module.save_file(dict(w=torch.arange(3.)), str(path), dict(format='pt'))
    assert torch.equal(read_weights(path)['w'], torch.arange(3.))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match=f'{name} cannot be read, it is damaged'):
        read_weights(path)
    module.save_file({}, str(path))
    with pytest.raises(CheckpointError, match='holds no state dict'):
        read_weights(path)


@pytest.mark.parametrize('value, message', [
    (-0.1, 'norm.running_var is a variance and holds numbers below 0'),
    (float('inf'), 'norm.running_var holds numbers that are not finite'),
    (float('nan'), 'norm.running_var holds numbers that are not finite')])
def test_variances_that_no_training_makes(value, message):
    good = {'norm.running_mean': torch.tensor([-1., 2.]), 'norm.running_var': torch.tensor([0., 1])}
    check_values(good, good, 'own.pth')
    bad = dict(good, **{'norm.running_var': torch.tensor([1., value])})
    with pytest.raises(CheckpointError, match=f'own.pth: {message}'):
        check_values(bad, good, 'own.pth')
