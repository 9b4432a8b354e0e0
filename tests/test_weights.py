import hashlib
from pathlib import Path

import pytest
import torch

from mmseg_ssr.errors import CheckpointError, MissingFile
from mmseg_ssr.weights import PUBLISHED, SHA256, published_sum, read_weights, sha256


def test_reads_a_state_dict_and_one_inside_a_checkpoint(tmp_path):
    state = {'a': torch.ones(2)}
    for name, content in (('plain.pth', state), ('full.pth', dict(state_dict=state, meta={}))):
        torch.save(content, tmp_path / name)
        assert torch.equal(read_weights(tmp_path / name)['a'], state['a'])


@pytest.mark.parametrize('name', PUBLISHED)
def test_a_missing_published_file_says_where_it_comes_from(name):
    with pytest.raises(MissingFile) as error:
        read_weights(f'pretrained/{name}')
    assert f'pretrained/{name} is missing' in str(error.value)
    assert PUBLISHED[name] in str(error.value)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ('code was run', )

    torch.save({'a': Evil()}, tmp_path / 'evil.pth')
    with pytest.raises(CheckpointError, match='could run code.*plain_weights.py .*--trust'):
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


@pytest.mark.parametrize('name, expected', [
    *SHA256.items(), ('resnet101_v1c-e67eebb6.pth', 'e67eebb6'), ('mit_b5.pth', None),
    ('own-0123abcd.pth', None)])
def test_published_sums_are_those_of_the_page(name, expected):
    page = (Path(__file__).parents[1] / 'docs/real_data.md').read_text(encoding='utf-8')
    assert published_sum(f'elsewhere/{name}') == expected
    assert expected is None or f'`{expected}`' in page


def test_the_sum_of_a_file(tmp_path):
    content = bytes(range(256)) * 5000  # longer than what is read at once
    (tmp_path / 'file').write_bytes(content)
    assert sha256(tmp_path / 'file') == hashlib.sha256(content).hexdigest()
