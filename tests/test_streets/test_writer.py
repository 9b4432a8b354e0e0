"""The files: real layouts and formats, restartable, never over other data."""
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mmseg_ssr.errors import DataError
from mmseg_ssr.labels.published import convert_gta
from mmseg_ssr.streets import SOURCE_TRAIN, draw_sample, make_streets, writer

SMALL = dict(train_source=3, train_target=6, val_target=2, size=(96, 48), workers=1)


@pytest.fixture(scope='module')
def streets(tmp_path_factory):
    return make_streets(tmp_path_factory.mktemp('streets') / 'data', **SMALL)


def files(root):
    return {path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob('*') if path.is_file()}


def test_gta_layout_and_format(streets):
    names = ['00001.png', '00002.png', '00003.png']
    assert sorted(path.name for path in (streets / 'gta/images').iterdir()) == names
    assert sorted(path.name for path in (streets / 'gta/labels').iterdir()) == names
    picture, raster = draw_sample(SOURCE_TRAIN, 1, SMALL['size'])
    with Image.open(streets / 'gta/images/00002.png') as image:
        assert image.mode == 'RGB' and image.size == (96, 48)
        assert np.array_equal(np.asarray(image), picture)
    with Image.open(streets / 'gta/labels/00002.png') as label:
        assert label.mode == 'P'
        assert np.array_equal(np.asarray(label), raster.labels)  # the index, Cityscapes label ids
        colors = np.asarray(label.convert('RGB'))
    assert tuple(colors[raster.labels == 7][0]) == (128, 64, 128)


def test_cityscapes_layout_and_format(streets):
    root = streets / 'cityscapes'
    images = {path.relative_to(root / 'leftImg8bit').as_posix()
              for path in root.rglob('*_leftImg8bit.png')}
    labels = {path.relative_to(root / 'gtFine').as_posix()
              for path in root.rglob('*_gtFine_labelIds.png')}
    assert len(images) == 8
    assert {name.replace('_leftImg8bit', '') for name in images} == {
        name.replace('_gtFine_labelIds', '') for name in labels}
    assert 'train/northport/northport_000001_000019_leftImg8bit.png' in images
    assert 'val/westhaven/westhaven_000000_000019_leftImg8bit.png' in images
    val_label = root / 'gtFine/val/westhaven/westhaven_000000_000019_gtFine_labelIds.png'
    with Image.open(val_label) as label:
        assert label.mode == 'L' and label.size == (96, 48)
        assert set(np.unique(label)) <= set(range(34)) and 1 in np.asarray(label)
    assert not list(streets.rglob('*labelTrainIds*'))


def test_files_do_not_depend_on_counts_or_workers(streets, tmp_path, monkeypatch):
    monkeypatch.setattr('mmseg_ssr.utils.parallel.CHUNK', 2)
    other = make_streets(tmp_path, **{**SMALL, 'train_source': 4, 'workers': 2})
    reference, more = files(streets), files(other)
    reference.pop(writer.STAMP)
    added = more.keys() - {writer.STAMP} - reference.keys()
    assert added == {'gta/images/00004.png', 'gta/labels/00004.png'}
    assert all(more[name] == content for name, content in reference.items())


def test_second_call_draws_only_what_is_missing(streets, monkeypatch):
    drawn, write = [], writer._write

    def record(job, **options):
        drawn.append(job)
        write(job, **options)

    monkeypatch.setattr(writer, '_write', record)
    before = files(streets)
    make_streets(streets, **SMALL)
    assert drawn == []
    (streets / 'gta/labels/00002.png').unlink()
    make_streets(streets, **SMALL)
    assert [job.index for job in drawn] == [1]
    assert files(streets) == before


def test_other_parameters_replace_the_data_set(tmp_path):
    make_streets(tmp_path, **SMALL)
    statistics = tmp_path / 'gta/sample_class_stats.json'
    statistics.write_text('[]')  # of the old images: must not survive
    make_streets(tmp_path, **{**SMALL, 'train_source': 2, 'seed': 1})
    names = sorted(path.name for path in (tmp_path / 'gta').rglob('*.png'))
    assert names == ['00001.png'] * 2 + ['00002.png'] * 2
    assert not statistics.exists()
    assert json.loads((tmp_path / writer.STAMP).read_text())['seed'] == 1


def test_other_data_is_never_touched(tmp_path):
    real = tmp_path / 'gta/images/00001.png'
    real.parent.mkdir(parents=True)
    real.write_bytes(b'real')
    with pytest.raises(DataError, match='gta exists and was not made by Streets.*choose another'):
        make_streets(tmp_path, **SMALL)
    assert files(tmp_path) == {'gta/images/00001.png': b'real'}


@pytest.mark.parametrize('change, message', [
    (dict(train_source=-1), 'train_source must be 0 or more, got -1'),
    (dict(val_target=10**30), 'val_target must be at most 1000000 images, got 10'),
    (dict(seed=-2), 'seed must be 0 or more, got -2'),
    (dict(size=(32, 16)), r'size must be .* at least 64 x 32 pixels, got \(32, 16\)'),
])
def test_bad_arguments(tmp_path, change, message):
    with pytest.raises(DataError, match=message):
        make_streets(tmp_path / 'new', **{**SMALL, **change})
    assert not (tmp_path / 'new').exists()


def test_layouts_are_added_to_what_is_there(tmp_path):
    few = dict(SMALL, train_source=1, train_target=1, val_target=1)
    make_streets(tmp_path, **few)
    before = files(tmp_path)
    make_streets(tmp_path, **few, layouts=['synthia'])
    after = files(tmp_path)
    assert json.loads(after.pop(writer.STAMP))['layouts'] == ['gta', 'cityscapes', 'synthia']
    assert after.keys() - before.keys() == {'synthia/RGB/0000000.png',
                                            'synthia/GT/LABELS/0000000.png'}
    assert all(after[name] == before[name] for name in after.keys() & before.keys())


def test_layouts_that_were_not_asked_for_are_never_lost(tmp_path):
    few = dict(SMALL, train_source=1, train_target=1, val_target=1)
    make_streets(tmp_path, **few)
    before = files(tmp_path)
    for layouts in (['acdc'], ['gta']):
        with pytest.raises(DataError, match=f'{tmp_path} holds Streets with other parameters .* in '
                                            '.*cityscapes, which would be lost: choose another'):
            make_streets(tmp_path, **{**few, 'seed': 1}, layouts=layouts)
        assert files(tmp_path) == before
    make_streets(tmp_path, **{**few, 'seed': 1}, layouts=['acdc', 'gta', 'cityscapes'])
    shutil.rmtree(tmp_path / 'acdc')
    make_streets(tmp_path, **{**few, 'seed': 2})
    assert json.loads((tmp_path / writer.STAMP).read_text())['layouts'] == ['gta', 'cityscapes']


def test_an_interrupted_drawing_is_completed(streets, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writer, '_write', interrupt)
        with pytest.raises(KeyboardInterrupt):
            make_streets(tmp_path, **SMALL)
    make_streets(tmp_path, **SMALL)
    assert files(tmp_path) == files(streets)


@pytest.mark.parametrize('content', [
    '[["Main St", 12]]', '{"streets": ["Main St"]}', '{"name": "Main St"}', '"text"', 'Main St', '',
    '[' * 10**5, '{"streets": 1, "size": [64, 32], "seed": 0, "layouts": ["../mine"]}',
    '{"streets": 1, "size": [64, 32], "seed": 0, "layouts": "gta"}'])
def test_a_foreign_file_of_the_name_of_the_stamp(tmp_path, content):
    (tmp_path / 'root/gta').mkdir(parents=True)
    (tmp_path / 'mine').mkdir()
    for name in ('root/gta/mine.png', 'mine/mine.png'):
        (tmp_path / name).write_bytes(b'real')
    (tmp_path / 'root' / writer.STAMP).write_text(content)
    before = files(tmp_path)
    with pytest.raises(DataError, match='root/streets.json was not written by Streets.*: choose'):
        make_streets(tmp_path / 'root', **SMALL)
    assert files(tmp_path) == before


def test_a_stamp_that_names_no_layouts_is_of_the_first_two(tmp_path):
    few = dict(SMALL, train_source=1, train_target=1, val_target=1)
    make_streets(tmp_path, **few)
    stamp = tmp_path / writer.STAMP
    before = files(tmp_path)
    content = json.loads(stamp.read_text())
    del content['layouts']
    stamp.write_text(json.dumps(content))
    make_streets(tmp_path, **few)
    assert files(tmp_path) == before


def test_an_added_layout_is_never_written_over_other_data(tmp_path):
    make_streets(tmp_path, **dict(SMALL, train_source=1, train_target=0, val_target=0))
    real = tmp_path / 'acdc/rgb_anon/real.png'
    real.parent.mkdir(parents=True)
    real.write_bytes(b'real')
    with pytest.raises(DataError, match='acdc exists and was not made by Streets'):
        make_streets(tmp_path, **dict(SMALL, train_source=1), layouts=['acdc'])
    make_streets(tmp_path, **dict(SMALL, train_source=0, train_target=0, val_target=0))
    assert real.read_bytes() == b'real'


def test_unknown_layout(tmp_path):
    with pytest.raises(DataError, match="there is no layout 'synthya', did you mean 'synthia'"):
        make_streets(tmp_path / 'new', **SMALL, layouts=['synthya'])
    assert not (tmp_path / 'new').exists()


@pytest.mark.parametrize('name', ['images/mine.png', 'labels/deeper/1.txt', 'images/link.png'])
def test_files_that_were_put_into_a_layout_are_never_lost(tmp_path, name):
    make_streets(tmp_path, **SMALL)
    mine = tmp_path / 'gta' / name
    mine.parent.mkdir(exist_ok=True)
    if 'link' in name:
        mine.symlink_to(tmp_path / 'gta/images/00001.png')
    else:
        mine.write_bytes(b'mine')
    before = files(tmp_path)
    with pytest.raises(DataError, match=f'{name} was not drawn by Streets'):
        make_streets(tmp_path, **{**SMALL, 'seed': 1})
    assert files(tmp_path) == before


def test_a_layout_that_is_a_link_is_not_removed(tmp_path):
    make_streets(tmp_path / 'data', **SMALL)
    (tmp_path / 'data/gta').rename(tmp_path / 'elsewhere')
    (tmp_path / 'data/gta').symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(DataError, match='gta was not drawn by Streets'):
        make_streets(tmp_path / 'data', **{**SMALL, 'seed': 1})
    assert len(list((tmp_path / 'elsewhere/images').iterdir())) == 3


def test_what_converters_and_kills_leave_is_removed_with_a_layout(tmp_path):
    make_streets(tmp_path, **SMALL)
    convert_gta(tmp_path / 'gta')
    (tmp_path / 'gta/images/00001.png.part-host-1').touch()
    make_streets(tmp_path, **{**SMALL, 'seed': 1})
    assert len([path for path in (tmp_path / 'gta').rglob('*') if path.is_file()]) == 6
