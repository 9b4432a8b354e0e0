import math

import pytest

from mmseg_ssr.report.bars import Bar, groups, scores
from mmseg_ssr.report.runs import Run

NAN = math.nan


@pytest.mark.parametrize('value, text, width', [
    (52.34, '52.3', 52.34), (0., '0.0', 0.), (None, '-', 0.), (NAN, '-', 0.),
    (100.2, '100.2', 100.)])
def test_length_and_text_of_a_bar(value, text, width):
    bar = Bar('a', value, '#000000')
    assert (bar.text, bar.width) == (text, width)


def test_a_bar_in_words():
    assert Bar('a', 52.345, '', mark=50., std=1.234).told == 'a: 52.34, ± 1.23, published: 50.0'
    assert Bar('a', None, '').told == 'a: -'


def test_groups_of_classes():
    road, train = groups(
        ['a', 'b', 'c'], [{'road': 90., 'train': NAN}, {'road': 92.06}, {'road': 92.}],
        [None, 0, 1], [{}, {}, {'road': 91.}], [{}, {'road': .5}, {}])
    assert (road.name, train.name) == ('road', 'train')
    assert [(bar.name, bar.value, bar.change, bar.mark, bar.std) for bar in road.bars] == [
        ('a', 90., '', None, None), ('b', 92.06, '+2.1', None, .5), ('c', 92., '-0.1', 91., None)]
    assert [bar.text for bar in train.bars] == ['-'] * 3
    assert [bar.change for bar in train.bars] == [''] * 3
    assert len({bar.color for bar in road.bars}) == 3


def test_scores_of_runs():
    first, better, same, nothing = scores([
        Run('a', 'a', result=dict(mIoU=50.)), Run('b', 'b', result=dict(mIoU=51.25)),
        Run('c', 'c', result=dict(mIoU=50.)), Run('d', 'd')])
    assert (first.text, first.notes) == ('50.00', ['-'])
    assert (better.text, better.notes) == ('51.25', ['-', '+1.25 against a'])
    assert same.notes == ['-'] and (nothing.text, nothing.notes) == ('-', ['-'])
