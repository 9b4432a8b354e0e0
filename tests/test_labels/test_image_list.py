import os
import pickle

import pytest

from mmseg_ssr.errors import DataError, MissingFile
from mmseg_ssr.labels.image_list import ImageList, list_images

ENDINGS = ('.png', '.jpg')


@pytest.fixture
def folder(tmp_path):
    for name in ('b.jpg', 'a/x.JPG', 'a/b/y.png', 'a/notes.txt', '.hidden/z.png', 'a/.w.png'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def pairs(infos):
    return [(info['filename'], info['ann']['seg_map']) for info in infos]


def test_all_depths_and_endings_sorted(folder):
    assert pairs(list_images(str(folder), ENDINGS, 'labels', '_mask.png')) == [
        ('a/b/y.png', 'a/b/y_mask.png'), ('a/x.JPG', 'a/x_mask.png'), ('b.jpg', 'b_mask.png')]
    assert list_images(str(folder), ('.jpg', ), None, '.png') == [
        dict(filename='a/x.JPG'), dict(filename='b.jpg')]


def test_the_ending_is_replaced_at_the_end_alone(folder):
    (folder / 'c.jpg.jpg').touch()
    (folder / 'd_photo.jpg').touch()
    infos = list_images(str(folder), ('.jpg', '_photo.jpg'), 'labels', '.png')
    assert ('c.jpg.jpg', 'c.jpg.png') in pairs(infos)
    assert ('d_photo.jpg', 'd.png') in pairs(infos)


def test_labels_in_the_same_folder_are_no_images(folder):
    (folder / 'b_mask.png').touch()
    infos = list_images(str(folder), ENDINGS, str(folder), '_mask.png')
    assert [info['filename'] for info in infos] == ['a/b/y.png', 'a/x.JPG', 'b.jpg']


def test_a_file_can_choose(folder, tmp_path):
    split = tmp_path / 'train.txt'
    split.write_text('b\na\\x\n\n')
    infos = list_images(str(folder), ENDINGS, None, '.png', str(split))
    assert [info['filename'] for info in infos] == ['a/x.JPG', 'b.jpg']
    split.write_text('b\nmissing\nb.jpg\n')
    with pytest.raises(MissingFile, match=r'2 of 3 images that .*train.txt names are not in .*'
                                          r'\(first: b.jpg\)'):
        list_images(str(folder), ENDINGS, None, '.png', str(split))
    with pytest.raises(MissingFile, match='split .*none.txt.* is missing'):
        list_images(str(folder), ENDINGS, None, '.png', str(tmp_path / 'none.txt'))
    split.write_bytes(b'b\n\xff\xfe\n')
    with pytest.raises(DataError, match='train.txt is no UTF-8 text'):
        list_images(str(folder), ENDINGS, None, '.png', str(split))


def test_links_are_followed(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp('other')
    (other / 'link').symlink_to(folder, target_is_directory=True)
    assert len(list_images(str(other), ENDINGS, None, '.png')) == 3


def test_labels_below_the_images_are_no_images(folder):
    (folder / 'a/labels').mkdir()
    (folder / 'a/labels/b.png').touch()
    infos = list_images(str(folder), ENDINGS, str(folder / 'a/labels'), '.png')
    assert [info['filename'] for info in infos] == ['a/b/y.png', 'a/x.JPG', 'b.jpg']


def test_two_images_of_one_label_are_refused(folder):
    (folder / 'b.png').touch()
    with pytest.raises(DataError, match='b.jpg and b.png in .* would share one label'):
        list_images(str(folder), ENDINGS, 'labels', '.png')
    assert len(list_images(str(folder), ENDINGS, None, '.png')) == 4


def test_one_folder_and_one_ending_cannot_be_told_apart(tmp_path):
    (tmp_path / '1.png').touch()
    with pytest.raises(DataError, match="end in '.png' and would be labels: give seg_map_suffix"):
        list_images(str(tmp_path), ENDINGS, str(tmp_path), '.png')


def test_a_split_of_windows_notepad(folder, tmp_path):
    split = tmp_path / 'train.txt'
    split.write_text('b\n', encoding='utf-8-sig')
    assert list_images(str(folder), ENDINGS, None, '.png', str(split)) == [dict(filename='b.jpg')]


def test_a_link_into_its_own_folder_adds_no_image(folder):
    (folder / 'a/again').symlink_to('..')
    infos = list_images(str(folder), ENDINGS, None, '.png')
    assert [info['filename'] for info in infos] == ['a/b/y.png', 'a/x.JPG', 'b.jpg']


def test_a_split_may_name_a_path_with_a_link(folder):
    (folder / 'again').symlink_to('a')
    (folder / 'split.txt').write_text('again/b/y\nb\n')
    infos = list_images(str(folder), ENDINGS, None, '.png', str(folder / 'split.txt'))
    assert [info['filename'] for info in infos] == ['again/b/y.png', 'b.jpg']


def test_a_split_that_is_a_named_pipe_is_refused(folder):
    os.mkfifo(folder / 'split.txt')
    with pytest.raises(DataError, match='split.txt is a named pipe'):
        list_images(str(folder), ENDINGS, None, '.png', str(folder / 'split.txt'))


def test_folders_that_begin_alike_are_other_folders(folder):
    for name in ('ab/x.png', 'a_mask/b.png'):
        (folder / name).parent.mkdir()
        (folder / name).touch()
    chosen = list_images(str(folder), ENDINGS, None, '.png', folders=['a'])
    assert [info['filename'] for info in chosen] == ['a/b/y.png', 'a/x.JPG']
    images = list_images(str(folder), ENDINGS, str(folder / 'a'), '_mask.png')
    assert [info['filename'] for info in images] == ['a_mask/b.png', 'ab/x.png', 'b.jpg']


def test_a_list_is_read_as_a_list_of_dicts(folder):
    infos = list_images(str(folder), ENDINGS, 'labels', '_mask.png')
    assert len(infos) == 3 and infos[-1] == infos[2] == dict(
        filename='b.jpg', ann=dict(seg_map='b_mask.png'))
    assert infos[1:] == list(infos)[1:] and infos == list(infos) and infos != infos[1:]
    assert pickle.loads(pickle.dumps(infos)) == infos
    infos[0]['filename'] = 'changed'
    assert infos[0]['filename'] == 'a/b/y.png'
    assert list(ImageList(['a.png'])) == [dict(filename='a.png')]
