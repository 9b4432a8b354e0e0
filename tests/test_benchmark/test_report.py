"""Tables and JSON files."""
import json

import pytest

from mmseg_ssr.benchmark.report import Report, markdown_table, number, ratio, share, write_json
from mmseg_ssr.errors import UserError


def test_table_is_markdown_with_aligned_columns():
    lines = markdown_table(['name', 'n'], [['a', 1], ['long one', 1234]]).splitlines()
    assert lines == ['| name     |    n |', '| -------- | ---: |', '| a        |    1 |',
                     '| long one | 1234 |']


@pytest.mark.parametrize('value, text', [
    (None, 'not measured'), (0.123456, '0.123'), (190.4, '190'), (1234.5, '1230'), (2, '2')])
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_shares_and_ratios():
    assert share(0.347) == '35 %' and share(None) == 'not measured'
    assert ratio(dict(speed_ratio=1.5), 'speed_ratio') == '1.5x'
    assert ratio({}, 'speed_ratio') == '-'


def test_text_has_tables_then_notes():
    report = Report([('Title', '| a |')], ['a note'])
    assert report.text() == '**Title**\n\n| a |\n\na note'


def test_json_says_which_command_made_it(tmp_path):
    path = tmp_path / 'figures.json'
    write_json(str(path), dict(cases={}), ['benchmark.py', 'step'])
    assert json.loads(path.read_text()) == dict(cases={}, command=['benchmark.py', 'step'])


def test_json_is_whole_or_not_there(tmp_path):
    path = tmp_path / 'figures.json'
    path.write_text('{"old": 1}')
    with pytest.raises(TypeError):
        write_json(str(path), dict(cases=object()), [])
    assert path.read_text() == '{"old": 1}' and [p.name for p in tmp_path.iterdir()] == [path.name]
    with pytest.raises(UserError, match='/none/x.json cannot be written .No such file'):
        write_json(str(tmp_path / 'none' / 'x.json'), {}, [])
