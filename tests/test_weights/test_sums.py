import hashlib

import pytest

from mmseg_ssr.weights.sums import other_sum, record_sum, recorded_sum, sha256, sum_file


def test_the_sum_of_a_file(tmp_path):
    content = bytes(range(256)) * 5000  # longer than what is read at once
    (tmp_path / 'file').write_bytes(content)
    assert sha256(tmp_path / 'file') == hashlib.sha256(content).hexdigest()


def test_a_sum_is_recorded_as_sha256sum_writes_it(tmp_path):
    path = tmp_path / 'a.pth'
    assert recorded_sum(path) is None
    record_sum(path, 'ab' * 32)
    assert (tmp_path / 'a.pth.sha256').read_text() == f'{"ab" * 32}  a.pth\n'
    assert recorded_sum(path) == 'ab' * 32


@pytest.mark.parametrize('content', [b'', b'\xff\xfe', b'no sum', b'ab'])
def test_a_damaged_record_is_none(tmp_path, content):
    path = tmp_path / 'a.pth'
    with open(sum_file(path), 'wb') as file:
        file.write(content)
    assert recorded_sum(path) is None


def test_a_sum_that_differs(tmp_path):
    path, digest = tmp_path / 'a.pth', 'ab' * 32
    assert other_sum(path, digest, None) is None
    assert other_sum(path, digest, 'abab') is None
    assert other_sum(path, digest, 'cd') == 'cd'
    record_sum(path, 'ef' * 32)
    assert other_sum(path, digest, 'abab') == 'ef' * 32
