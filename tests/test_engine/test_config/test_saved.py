import sys

import pytest
import tiny_training

from mmseg_ssr.engine.config.saved import read_plain_config
from mmseg_ssr.errors import CheckpointError


def test_the_text_that_mmcv_lays_out_is_read(data, config):
    cfg = config(tiny_training.ssr_config(data))
    assert read_plain_config(cfg.pretty_text, 'x.pth')._cfg_dict == cfg._cfg_dict


@pytest.mark.parametrize('text, line', [
    ('import os', 1),
    ("a = 1\nb = __import__('os').system('true')", 2),
    ('a = [print(1)]', 1),
    ('a = dict(b=open("x"))', 1),
    ("_base_ = '/tmp/other.py'", 1),
    ('a = (lambda: 0)()', 1),
    ("a = {**{}, 'b': [c for c in 'x']}", 1),
    ("a = f'{print(1)}'", 1),
    ('print(1)', 1),
    ('a.b = 1', 1),
    ('a = b = c', 1),
    ('a, b = 1, 2', 1),
    ('a = dict(b=c.d)', 1),
    ('a = dict(*[1])', 1),
    ('a = 2 ** 9 ** 9', 1),
])
def test_code_is_refused(text, line, capsys):
    with pytest.raises(CheckpointError, match=f'x.pth is not read: line {line} of it'):
        read_plain_config(text, 'x.pth')
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize('text', ['a = (', None, 'a = \0'])
def test_no_config(text):
    with pytest.raises(CheckpointError, match='x.pth holds no config'):
        read_plain_config(text, 'x.pth')


def test_values_are_taken_as_they_are_written():
    text = ("a = '{{ fileBasename }}'\nb = dict(c=-1, d=[(1, 2)], **{'e f': None})\n"
            "c = d = dict({'g h': dict(), 'i': {1: 2}}, i=3)")
    assert read_plain_config(text, 'x.pth')._cfg_dict == dict(
        a='{{ fileBasename }}', b={'c': -1, 'd': [(1, 2)], 'e f': None},
        c={'g h': {}, 'i': 3}, d={'g h': {}, 'i': 3})


@pytest.mark.parametrize('text', [
    'a = ' + '-' * 6000 + '1', 'a = ' + '(' * 500, 'a = ' + 'dict(a=' * 300 + '1' + ')' * 300,
    'a = ' + '1 + ' * 6000 + '1', 'a = ' + '9' * 5000, "a = -'x'", 'a = dict(1)', 'a = {[]: 1}'])
def test_what_python_cannot_take_is_refused_in_one_line(text):
    with pytest.raises(CheckpointError, match='x.pth'):
        read_plain_config(text, 'x.pth')


def test_modules_are_imported_by_name_and_a_missing_one_is_named(tmp_path, monkeypatch):
    (tmp_path / 'of_a_project.py').write_text('loaded = True')
    monkeypatch.syspath_prepend(str(tmp_path))
    read_plain_config("custom_imports = dict(imports=['of_a_project'])", 'x.pth')
    assert sys.modules['of_a_project'].loaded
    with pytest.raises(CheckpointError, match="cannot be read: not_there: No module named"):
        read_plain_config("custom_imports = dict(imports='not_there')", 'x.pth')
    read_plain_config("custom_imports = dict(imports=['not_there'], allow_failed_imports=True)",
                      'x.pth')
    with pytest.raises(CheckpointError, match=r'expected dict\(imports=\[...\]\)'):
        read_plain_config('custom_imports = dict(imports=[1])', 'x.pth')
