import copy
import math
import sys

import numpy as np
import pytest
import tiny_training
from mmcv import Config

from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.config.saved import changed_keys, config_text, read_plain_config, same_config
from mmseg_ssr.errors import CheckpointError, ConfigError


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


STRINGS = ["driver's cab", '"', """it's "both\"""", 'top\\new', '\\', "\\'", 'two\nlines',
           '\t\r\x00', 'straße ☃ \u2028', '\udc80', '{x} {{ fileDirname }} {{ _base_.a }}',
           '# no comment', "''' ''", '', ' ', "a'\\", 'r"x"', '%s', '-' * 300]


@pytest.mark.parametrize('text', STRINGS)
def test_any_string_is_read_back(text, tmp_path):
    values = dict(name=text, data=dict(classes=[dict(name=text), dict(name='x')], root=(text, ),
                                       also=[text, {text: text}]), _own={text: dict(a=text)})
    check_round_trip(values, tmp_path)


@pytest.mark.parametrize('value', [
    float('inf'), -float('inf'), 1e-300, -0.0, 10**40, True, None, b"a'\n", {1, 2}, set(), (),
    (1, ), [], {}, [[]], [{}], {'class': 1}, {'a-b': {}}, {1: {2: [dict(x=(dict(y=1), ))]}},
    [{'if': 1}, dict(a=2)], dict(a={'': [1, dict(b=2)]})])
def test_any_plain_value_is_read_back(value, tmp_path):
    check_round_trip(dict(a=value, b=dict(c=value), d=[value, 1], e=(value, )), tmp_path)


def test_what_is_no_number_is_read_back():
    again = read_plain_config(config_text(Config(dict(a=float('nan')))), 'x.pth')
    assert math.isnan(again.a)


def test_numbers_of_numpy_become_those_of_python():
    cfg = Config(dict(a=np.float32(0.5), b=[np.int64(3)], c=np.float64(0.1), d=np.bool_(True)))
    assert config_text(cfg) == 'a = 0.5\nb = [3]\nc = 0.1\nd = True\n'


def check_round_trip(values, folder):
    """mmcv and the reader of checkpoints give back what is written."""
    text = config_text(Config(copy.deepcopy(values)))
    assert read_plain_config(text, 'x.pth')._cfg_dict == values
    (folder / 'config.py').write_text(text, encoding='utf-8')
    assert load_config(str(folder / 'config.py'))._cfg_dict == values


def test_a_written_config_has_the_layout_of_mmcv(data, config):
    cfg = config(tiny_training.ssr_config(data))
    assert config_text(cfg) == cfg.pretty_text


def test_a_variable_that_is_no_plain_value_is_left_out():
    assert config_text(Config(dict(a=1, Path=dict, c=[range(3)]))) == 'a = 1\n'


@pytest.mark.parametrize('values, line', [
    (dict(model=dict(a=[1, range(3)])), 'model.a.1 is a range, expected plain values'),
    (dict(data=object()), 'data is a object, expected plain values'),
    ({'my-key': 1}, "the key 'my-key' at the top of a config must be a name of Python"),
    ({'class': 1}, "the key 'class' at the top"),
])
def test_what_cannot_be_written_is_refused_in_one_line(values, line):
    with pytest.raises(ConfigError, match=line):
        config_text(Config(values))


@pytest.mark.parametrize('text', [
    "a = dict(b=[1, 2], c={1: 'x'})\nlr = float('nan')\n",
    "a = dict(\n    b=[\n        1,\n        2,\n    ],\n    c={1: \"x\"},\n)\nlr = float('nan')\n",
    "a = {'b': [1, 2], 'c': {1: 'x'}}\nname_of_old = dict(\n    x=1)\nlr = float('nan')",
])
def test_a_config_is_the_same_in_any_layout(text):
    assert same_config(text, Config(dict(a=dict(b=[1, 2], c={1: 'x'}), lr=float('nan'))))


@pytest.mark.parametrize('text', [
    'a = 2\n', 'b = 1\n', 'a = 1\nb = 1\n', '', 'a = "1"', 'a = 1 +', 'a = float(b)', None, 1])
def test_another_config_is_not_the_same(text):
    assert not same_config(text, Config(dict(a=1)))


def test_changed_keys_are_named_by_their_paths():
    cfg = Config(dict(name='new', a=dict(b=1, c=dict(d=[2], e={})), f=3, g=4))
    assert changed_keys(config_text(cfg).replace("'new'", "'old'"), cfg) == []
    old = "name = 'old'\na = dict(b=1, c=dict(d=[5], e=dict(x=1)))\nf = 3\nh = dict(i=1)\n"
    assert changed_keys(old, cfg) == ['a.c.d', 'a.c.e.x', 'h.i', 'a.c.e', 'g']
    assert changed_keys('f = ', cfg) is None


def test_keys_that_may_differ():
    cfg = Config(dict(a=1, load_from='y.pth'))
    assert same_config("a = 1\nload_from = 'x.pth'\n", cfg, 'load_from')
    assert same_config('a = 1\n', cfg, 'load_from')
    assert not same_config("a = 2\nload_from = 'y.pth'\n", cfg, 'load_from')
    assert not same_config("a = 1\nload_from = 'x.pth'\n", cfg)


def test_a_config_that_cannot_be_written_is_not_another_one():
    with pytest.raises(ConfigError, match='model.a is a range'):
        same_config('a = 1', Config(dict(model=dict(a=range(3)))))
