import numpy as np
import pytest
from PIL import Image

from mmseg_ssr.errors import ConfigError, DataError
from mmseg_ssr.labels.class_table import COLOR, ClassTable, describe

ROAD = dict(name='road', ids=[7, 8], color=[128, 64, 128])
CAR = dict(name='car', ids=[26], color=[0, 0, 142], thing=True)


@pytest.fixture
def label(tmp_path):
    """Writes an array as label.png and gives its path."""

    def write(array, dtype=np.uint8):
        Image.fromarray(np.asarray(array, dtype)).save(tmp_path / 'label.png')
        return tmp_path / 'label.png'

    return write


def test_ids_become_classes(label):
    table = ClassTable.from_config([ROAD, CAR], ignore=[0])
    assert table.names == ('road', 'car') and table.palette == [[128, 64, 128], [0, 0, 142]]
    path = label([[7, 8, 26], [0, 255, 7]])
    np.testing.assert_array_equal(table.read(path), [[0, 0, 1], [255, 255, 0]])
    assert table.read(path).dtype == np.uint8
    assert table.count(path) == {0: 1, 7: 2, 8: 1, 26: 1, 255: 1}
    assert table.by_class(table.count(path), path) == {0: 3, 1: 1}


def test_names_alone_mean_the_ids_0_1_2(label):
    table = ClassTable.from_config(['background', 'object'])
    np.testing.assert_array_equal(table.read(label([[0, 1, 255]])), [[0, 1, 255]])
    assert len(table.palette) == 2 and table.palette[0] != table.palette[1]


def test_255_may_be_a_class(label):
    table = ClassTable.from_config([dict(name='ground', ids=[0]), dict(name='house', ids=[255])])
    np.testing.assert_array_equal(table.read(label([[0, 255]])), [[0, 1]])


def test_colors_become_classes(label):
    table = ClassTable.from_config([ROAD, CAR], ignore=[[0, 0, 0]])
    path = label([[[128, 64, 128], [0, 0, 142], [0, 0, 0]]])
    np.testing.assert_array_equal(table.read(path), [[0, 1, 255]])
    assert table.by_class(table.count(path), path) == {0: 1, 1: 1}
    # red and blue swapped is another color
    with pytest.raises(DataError, match=r'holds color \[142, 0, 0\].*put it into the color of'):
        table.read(label([[[142, 0, 0]]]))


def test_a_class_may_have_several_colors(label):
    bus = dict(CAR, color=[[0, 0, 142], [0, 60, 100]])
    table = ClassTable.from_config([ROAD, bus])
    assert table.palette == [[128, 64, 128], [0, 0, 142]]
    path = label([[[128, 64, 128], [0, 0, 142], [0, 60, 100]]])
    np.testing.assert_array_equal(table.read(path), [[0, 1, 1]])
    with pytest.raises(ConfigError, match=r"'road' and 'car' both have color \[0, 60, 100\]"):
        ClassTable.from_config([dict(ROAD, color=[0, 60, 100]), bus])
    for wrong in ([[0, 0, 142], [0, 60]], [[0, 0, 142], 7], []):
        with pytest.raises(ConfigError, match='a color must be'):
            ClassTable.from_config([ROAD, dict(CAR, color=wrong)])


def test_16_bit_ids(label):
    table = ClassTable.from_config([dict(name='a', ids=[1000]), dict(name='b', ids=[2000])])
    np.testing.assert_array_equal(table.read(label([[1000, 2000, 255]], np.uint16)),
                                  [[0, 1, 255]])
    with pytest.raises(DataError, match='label.png holds id 1001'):
        table.read(label([[1000, 1001]], np.uint16))


@pytest.mark.parametrize('action', ['read', 'count'])
def test_unknown_values_are_named_with_what_to_do(label, action):
    table = ClassTable.from_config([ROAD, CAR])
    with pytest.raises(DataError, match='label.png holds id 9, which the config does not know: put '
                                        'it into the ids of a class or into ignore'):
        getattr(table, action)(label([[7, 9]]))
    with pytest.raises(DataError, match='x.png holds id 9'):
        table.by_class({9: 5}, 'x.png')  # counted before the table was changed


def test_the_rest_can_be_ignored(label):
    table = ClassTable.from_config([ROAD, CAR], ignore='rest')
    np.testing.assert_array_equal(table.read(label([[7, 9, 26]])), [[0, 255, 1]])
    np.testing.assert_array_equal(table.read(label([[7, 900]], np.uint16)), [[0, 255]])
    assert table.by_class(table.count(label([[7, 9]])), 'x') == {0: 1}


@pytest.mark.parametrize('classes, ignore, message', [
    ([], (), 'classes must be a list of names'),
    ('road', (), 'classes must be a list of names'),
    ([7], (), r'classes.0 must be a name or dict\(name=, ids=, color=\), got 7'),
    ([dict(ids=[1])], (), 'classes.0 must be a name'),
    ([dict(name='a', colour=[0, 0, 0])], (), "classes.0.colour, did you mean 'color'"),
    ([dict(name='a', ids=[1, 2]), dict(name='b', ids=[2])], (), "'a' and 'b' both have id 2"),
    ([dict(name='a', color=[1, 1, 1]), dict(name='b', color=[1, 1, 1])], (),
     r'both have color \[1, 1, 1\]'),
    (['a', 'a'], (), "different names, got 'a' twice"),
    ([ROAD, 'car'], (), "class 'car' has no ids, others have"),
    ([ROAD], [8], "id 8 is in ignore and in class 'road'"),
    ([ROAD], 'others', 'ids and ignore must be lists of values'),
    ([dict(name='a', ids=[-1])], (), r'an id must be an integer in 0..65535, got -1'),
    ([dict(name='a', ids=['7'])], (), "got '7'"),
    ([dict(name='a', color=[0, 0, 256])], (), r'a color must be \[red, green, blue\] in 0..255'),
])
def test_tables_that_are_not_right(classes, ignore, message):
    with pytest.raises(ConfigError, match=message):
        ClassTable.from_config(classes, ignore)


def test_values_are_described():
    assert describe(26) == 'id 26'
    assert describe(COLOR | 1 << 16 | 2 << 8 | 3) == 'color [1, 2, 3]'


def test_a_class_has_all_its_ids_and_a_color_and_counts_them_together(label):
    table = ClassTable.from_config([dict(name='a', ids=[3, 4], color=[1, 2, 3]), dict(
        name='ground', ids=[255])])
    assert table.meaning == {3: 0, 4: 0, COLOR | 1 << 16 | 2 << 8 | 3: 0, 255: 1}
    assert table.by_class({3: 5, 4: 6, 255: 7}, 'x') == {0: 11, 1: 7}
