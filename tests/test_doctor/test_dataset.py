"""Streets with one fault of each kind: that one is found, with its file, and what follows of it."""
import json
import os
import shutil

import cv2
import numpy as np
import pytest
import tiny_training
from mmcv import Config
from PIL import Image

from mmseg_ssr.doctor import Stage, examine_datasets, in_order
from mmseg_ssr.doctor.dataset import published_images
from mmseg_ssr.doctor.files import damage
from mmseg_ssr.labels.published import convert_gta
from mmseg_ssr.labels.statistics import STATISTICS

#: Of the drawn data as it is, since it is smaller than what is published.
ALWAYS = {'another number of images than published', 'images of another size than published'}
LABEL, IMAGE = 'gta/labels/00003_labelTrainIds.png', 'gta/images/00003.png'
RAW = 'gta/labels/00003.png'


@pytest.fixture
def folder(data, tmp_path):
    """A copy of the data, with its times."""
    shutil.copytree(data, tmp_path / 'data', copy_function=shutil.copy2)
    return tmp_path / 'data'


def look(folder, sections=None, **options):
    """(title, file) of each finding in the order in which to mend, without :data:`ALWAYS`."""
    sections = sections or tiny_training.method_config(folder, 2)
    reports = list(examine_datasets([Config(sections)], **options))
    groups = in_order(finding for report in reports for finding in report.findings)
    return [one for group in groups for one in group if one.title not in ALWAYS]


def names(findings, folder):
    """Files relative to the folder; those of statistics are as recorded."""
    return [(one.title, one.file.removeprefix(f'{folder}/')) for one in findings]


def change(path, content):
    """New content in a file of the old time: what looks at times does not see it."""
    before = path.stat()
    if isinstance(content, np.ndarray):
        Image.fromarray(content).save(path)
    else:
        path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut(path, size=-30):
    change(path, path.read_bytes()[:size])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    change(path, bytes(content))


def lacks_label(folder):
    (folder / LABEL).unlink()
    (folder / RAW).unlink()


def lacks_train_label_of_damaged(folder):
    (folder / LABEL).unlink()
    cut(folder / RAW)


def labels_of_16_bits(folder):
    ids = np.array(Image.open(folder / LABEL)).astype(np.uint16) + 300
    change(folder / LABEL, cv2.imencode('.png', ids)[1].tobytes())


def value_40(folder):
    ids = np.array(Image.open(folder / LABEL))
    ids[3, 5] = 40
    change(folder / LABEL, ids)


def statistics_of_others(folder):
    path = folder / 'gta' / STATISTICS
    records = json.loads(path.read_text())
    records[2]['0'] += 1
    path.write_text(json.dumps(records))


def statistics_name_what_is_gone(folder):
    path = folder / 'gta' / STATISTICS
    path.write_text(json.dumps([*json.loads(path.read_text()), {'file': 'x/gone.png', '0': 1}]))


NO_CLASS = np.full((32, 64), 255, np.uint8)
WIDER = np.random.default_rng(0).integers(0, 256, (32, 70, 3), np.uint8)
OTHER = ('class statistics are of another label', LABEL)
FAULTS = {
    'nothing': (lambda folder: None, []),
    'image folder': (lambda folder: shutil.rmtree(folder / 'gta/images'), [
        ('image folder is missing', 'gta/images')]),
    'label folder': (lambda folder: shutil.rmtree(folder / 'cityscapes/gtFine/val'), [
        ('label folder is missing', 'cityscapes/gtFine/val')]),
    'other ending': (lambda folder: Image.fromarray(WIDER).save(folder / 'gta/images/9.jpg'), [
        ('image has another ending', 'gta/images/9.jpg')]),
    'no label': (lacks_label, [('image has no label', IMAGE)]),
    'not converted': (lambda folder: (folder / LABEL).unlink(), [
        ('train label is not made yet', LABEL)]),
    'published label damaged': (lacks_train_label_of_damaged, [
        ('published label cannot be read', RAW), ('train label is not made yet', LABEL)]),
    'converted before': (lambda folder: os.utime(folder / RAW, (2e9, 2e9)), [
        ('train label is older than the published one', LABEL)]),
    'no image': (lambda folder: (folder / IMAGE).unlink(), [('label has no image', LABEL)]),
    'image cut off': (lambda folder: cut(folder / IMAGE), [('image cannot be read', IMAGE)]),
    'image cut short': (lambda folder: cut(folder / IMAGE, 40), [('image cannot be read', IMAGE)]),
    'image with a wrong bit': (lambda folder: flip_a_bit(folder / IMAGE), [
        ('image cannot be read', IMAGE)]),
    'image that is text': (lambda folder: change(folder / IMAGE, b'text'), [
        ('image cannot be read', IMAGE)]),
    'label cut off': (lambda folder: cut(folder / LABEL), [('label cannot be used', LABEL)]),
    'label with a wrong bit': (lambda folder: flip_a_bit(folder / LABEL), [
        ('label cannot be used', LABEL)]),
    'label of colors': (lambda folder: change(folder / LABEL, WIDER), [
        ('label cannot be used', LABEL)]),
    'label of 16 bits': (labels_of_16_bits, [('label cannot be used', LABEL)]),
    'strange value': (value_40, [('label holds values that are no class', LABEL)]),
    'sizes': (lambda folder: change(folder / IMAGE, WIDER), [
        ('label and image differ in size', LABEL)]),
    'all ignored': (lambda folder: change(folder / LABEL, NO_CLASS), [
        ('label is all ignored', LABEL), OTHER]),
    'black frame': (lambda folder: change(folder / IMAGE, np.zeros((32, 64, 3), np.uint8)), [
        ('image is of a single color', IMAGE)]),
    'no statistics': (lambda folder: [path.unlink() for path in (folder / 'gta').glob('*.json')], [
        ('class statistics are missing', f'gta/{name}.json') for name in (
            'sample_class_stats', 'sample_class_stats_dict', 'samples_with_class')]),
    'damaged statistics': (lambda folder: cut(folder / 'gta' / STATISTICS), [
        ('class statistics are damaged', f'gta/{STATISTICS}')]),
    'newer label': (lambda folder: os.utime(folder / LABEL, (2e9, 2e9)), [
        ('class statistics are older than the label, or lack it', LABEL)]),
    'other statistics': (statistics_of_others, [OTHER]),
    'statistics of files that are gone': (statistics_name_what_is_gone, [
        ('class statistics name a file that is not there', 'x/gone.png')]),
}
WARNINGS = {'other ending', 'converted before', 'no image', 'all ignored', 'black frame',
            'no statistics', 'damaged statistics', 'newer label',
            'statistics of files that are gone'}


@pytest.mark.parametrize('name', FAULTS)
def test_exactly_the_fault_is_found(folder, name):
    damage, expected = FAULTS[name]
    damage(folder)
    found = look(folder)
    assert names(found, folder) == expected
    assert [one.is_warning for one in found[:1]] == [name in WARNINGS] * bool(expected)
    assert all(one.found and one.expected and one.mend for one in found)


def test_faults_in_the_order_in_which_to_mend_them(folder):
    labels = sorted((folder / 'gta/labels').glob('*_labelTrainIds.png'))
    images = sorted((folder / 'gta/images').glob('*.png'))
    os.utime(labels[0], (2e9, 2e9))
    change(images[1], WIDER)
    cut(labels[2])
    labels[3].unlink()
    cut(images[4])
    shutil.rmtree(folder / 'cityscapes/leftImg8bit/val')
    found = look(folder)
    convert = f'mmseg-ssr convert gta {folder}/gta'
    assert [(one.stage, one.mend[-len(convert):] == convert) for one in found] == [
        (Stage.FOLDERS, False), (Stage.FILES, False), (Stage.CONVERSION, True),
        (Stage.CONVERSION, True), (Stage.CONTENT, True), (Stage.STATISTICS, True)]
    assert found[2].mend == convert or found[3].mend == convert


def test_doing_as_it_says_leaves_nothing_to_mend(folder):
    cut(folder / LABEL)
    statistics_of_others(folder)
    (folder / 'gta/labels/00005_labelTrainIds.png').unlink()
    for finding in look(folder):
        if finding.mend.startswith('delete'):
            os.remove(finding.file)
        elif finding.mend.startswith('rm '):
            os.remove(finding.mend.split()[1])
        assert f'mmseg-ssr convert gta {folder}/gta' in finding.mend
    convert_gta(folder / 'gta')
    assert look(folder) == []


def test_a_single_spot_is_no_single_color(folder):
    frame = np.zeros((32, 64, 3), np.uint8)
    frame[5, 7] = 255
    change(folder / IMAGE, frame)
    assert look(folder) == []


@pytest.mark.parametrize('content, said', [
    (b'', 'an empty file'), (b'text', 'no image'), (None, 'Is a directory')])
def test_why_an_image_cannot_be_read(folder, content, said):
    (folder / IMAGE).unlink()
    (folder / IMAGE).mkdir() if content is None else (folder / IMAGE).write_bytes(content)
    assert damage(str(folder / IMAGE)) == said


def test_labels_of_target_images_are_not_read(folder):
    for path in (folder / 'cityscapes/gtFine/train').rglob('*.png'):
        path.write_bytes(b'')
    assert look(folder) == []


def test_a_data_set_is_looked_at_once(data):
    config = Config(tiny_training.method_config(data, 2))
    assert [report.key for report in examine_datasets([config, config])] == [
        'data.train.source', 'data.train.target', 'data.val']


def test_configs_that_read_the_same_files(data):
    """A training on the source alone, and one with margins for the target's pseudo-labels."""
    supervised = Config(tiny_training.supervised_config(data, 2))
    adapted = Config(tiny_training.method_config(data, 2))
    adapted.data.train.target.crop_pseudo_margins = [1, 1, 1, 1]
    plain = Config(tiny_training.method_config(data, 2))
    reports = list(examine_datasets([supervised, adapted, plain]))
    assert [report.key for report in reports] == [
        'data.train.source', 'data.val', 'data.train.target']
    assert [report.images for report in reports] == [6, 3, 4]


def test_a_target_inside_of_a_wrapper_needs_no_labels(folder):
    sections = tiny_training.method_config(folder, 2)
    train = sections['data']['train']
    train['target'] = dict(type='RepeatDataset', times=2, dataset=dict(
        train['target'], ann_dir='gtFine/nowhere'))
    assert look(folder, sections) == []


def test_a_sample_is_spread_over_the_files_and_names_are_compared_all_the_same(folder):
    (folder / LABEL).unlink()
    for number in (1, 4):
        cut(folder / f'gta/images/0000{number}.png')
    config = Config(tiny_training.method_config(folder, 2))
    report = next(iter(examine_datasets([config], sample=2)))
    assert (report.images, report.labels, report.read) == (6, 5, 2)
    assert [one.title for one in report.findings if not one.is_warning] == [
        'train label is not made yet', 'image cannot be read', 'image cannot be read']


def test_several_processes_find_the_same(folder, monkeypatch):
    monkeypatch.setattr('mmseg_ssr.utils.parallel.CHUNK', 2)
    cut(folder / IMAGE)
    value_40(folder)
    assert look(folder, workers=2) == look(folder) != []


def test_most_labels_are_ignored(folder):
    for path in (folder / 'gta/labels').glob('*_labelTrainIds.png'):
        path.write_bytes((folder / RAW).read_bytes())
        Image.fromarray(NO_CLASS).save(path)
    found = look(folder)
    assert [one.file for one in found if one.title == 'most labels are all ignored'] == [
        f'{folder}/gta/labels']
    assert [one.found for one in found if one.title == 'a class never occurs'][0].startswith(
        'no pixel of road, sidewalk')


def test_synthia_lacks_three_classes_and_its_published_labels_have_16_bits(layouts, tmp_path):
    shutil.copytree(layouts / 'synthia', tmp_path / 'synthia', copy_function=shutil.copy2)
    first, second = sorted((tmp_path / 'synthia/GT/LABELS').glob('*_labelTrainIds.png'))
    first.unlink()
    raw = first.with_name(first.name.replace('_labelTrainIds', ''))
    Image.fromarray(NO_CLASS).save(raw)  # saved again by a program that lost two channels
    source = dict(type='SynthiaDataset', data_root=str(tmp_path / 'synthia'), img_dir='RGB',
                  ann_dir='GT/LABELS', pipeline=[])
    found = look(tmp_path, dict(model={}, data=dict(train=dict(source=source))))
    published = next(one for one in found if one.title == 'published label cannot be read')
    assert published.file == str(raw) and published.found == 'has 1 channel(s) of 8 bits'
    absent = [one.found for one in found if one.title == 'a class never occurs']
    assert not any(name in text for text in absent for name in ('terrain', 'truck', 'train'))


def test_layouts_have_no_faults(layouts):
    for name in ('uda_cityscapes_to_acdc_512x512', 'uda_cityscapes_to_darkzurich_512x512',
                 'uda_synthia_to_cityscapes_512x512'):
        sections = tiny_training.benchmark_data(layouts, name)
        assert {one.title for one in look(layouts, dict(sections))} <= {'a class never occurs'}
    sections = tiny_training.benchmark_data(layouts, 'uda_camvid_dusk')  # it has no converter
    assert {one.title for one in look(layouts, dict(sections))} <= {
        'a class never occurs', 'class statistics are missing'}


def test_values_of_labels_that_are_published_as_they_are(layouts, tmp_path):
    shutil.copytree(layouts / 'acdc', tmp_path / 'acdc', copy_function=shutil.copy2)
    label = sorted((tmp_path / 'acdc/gt/fog/val').rglob('*_labelTrainIds.png'))[0]
    change(label, np.full((32, 64), 40, np.uint8))
    val = dict(type='ACDCDataset', data_root=str(tmp_path / 'acdc'), img_dir='rgb_anon/val',
               ann_dir='gt/val', pipeline=[])
    found, = look(tmp_path, dict(model={}, data=dict(val=val)))
    assert (found.title, found.file) == ('label holds values that are no class', str(label))
    assert found.mend.startswith('unpack the files again') and 'acdc.vision' in found.mend


def test_values_of_own_data_are_mended_in_the_config(tmp_path):
    for folder in ('images', 'labels'):
        (tmp_path / folder).mkdir()
    Image.fromarray(WIDER).save(tmp_path / 'images/a.png')
    Image.fromarray(np.full((32, 70), 7, np.uint8)).save(tmp_path / 'labels/a.png')
    own = dict(type='FolderDataset', data_root=str(tmp_path), img_dir='images', ann_dir='labels',
               classes=['ground', 'person'], pipeline=[])
    found, = look(tmp_path, dict(model={}, data=dict(val=own)))
    assert (found.title, found.found) == ('label holds values that are no class', 'holds id 7')
    assert 'classes or ignore of the config' in found.mend


def test_jpegs_that_opencv_reads_in_part(tmp_path):
    (tmp_path / 'images').mkdir()
    path = tmp_path / 'images/a.jpg'
    Image.fromarray(np.tile(WIDER, (4, 4, 1))).save(path)
    cut(path, path.stat().st_size // 2)
    own = dict(type='FolderDataset', data_root=str(tmp_path), img_dir='images', classes=['a'],
               pipeline=[])
    found, = look(tmp_path, dict(model={}, data=dict(val=own)))
    assert cv2.imread(str(path)) is not None
    assert (found.title, found.file) == ('image cannot be read', str(path))
    assert 'truncated' in found.found


def test_what_cannot_be_built_is_a_finding(folder):
    for path in (folder / 'gta/images').glob('*.png'):
        path.rename(path.with_suffix('.PNG_'))
    found, = look(folder)
    assert (found.title, found.file) == ('data set cannot be used', 'data.train.source')
    assert 'holds no image *.png' in found.found


def test_counts_and_sizes_are_compared_with_the_published(data):
    reports = examine_datasets([Config(tiny_training.method_config(data, 2))])
    findings = [one for report in reports for one in report.findings]
    assert [(one.found, one.expected) for one in findings if one.stage is Stage.FOLDERS] == [
        ('6 images', '24966 images'), ('4 images', '2975 images'), ('3 images', '500 images')]
    sizes = [one for one in findings if one.title == 'images of another size than published']
    assert [one.expected for one in sizes] == ['2048 x 1024 pixels'] * 2  # GTA5's differ
    assert '64 x 32' in sizes[0].found and all(one.is_warning for one in findings)


def test_chosen_sequences_are_no_missing_images(layouts):
    titles = []
    for chosen in (dict(), dict(sequences=['0001TP'])):
        train = dict(type='CamVidDataset', data_root=f'{layouts}/camvid', img_dir='train',
                     ann_dir='trainannot', pipeline=[], **chosen)
        report, = examine_datasets([Config(dict(model={}, data=dict(val=train)))])
        titles.append([one.title for one in report.findings if one.stage is Stage.FOLDERS])
    assert titles == [['another number of images than published'], []]


def findings_in(**dataset):
    report, = examine_datasets([Config(dict(model={}, data=dict(train=dict(
        type='UDADataset', source=dict(dataset, pipeline=[])))))])
    return [one for one in report.findings if not one.is_warning], report


def test_smaller_labels_of_synscapes_are_no_fault(layouts):
    place = dict(data_root=f'{layouts}/synscapes', img_dir='img/rgb-2k', ann_dir='img/class')
    found, report = findings_in(type='SynscapesDataset', **place)
    assert (found, report.images, report.labels, report.read) == ([], 2, 2, 2)
    found, _ = findings_in(type='GTADataset', **place)
    assert {one.title for one in found} == {'label and image differ in size'}


@pytest.mark.parametrize('kind, layout, images, labels', [
    ('BDD100KDataset', 'bdd100k', 'images/10k/train', 'labels/sem_seg/masks/train'),
    ('MapillaryDataset', 'mapillary', 'training/images', 'training/labels'),
    ('WildDashDataset', 'wilddash', 'images', 'labels')])
def test_further_sets_are_whole(layouts, kind, layout, images, labels):
    place = dict(data_root=f'{layouts}/{layout}', img_dir=images, ann_dir=labels)
    found, report = findings_in(type=kind, **place)
    assert (found, report.read) == ([], 2)
    titles = {one.title for one in report.findings}
    assert 'another number of images than published' in titles
    if kind == 'WildDashDataset':
        _, report = findings_in(type=kind, part='train', **place)
        assert not [one for one in report.findings if one.stage is Stage.FOLDERS]


@pytest.mark.parametrize('kind, folder, number', [
    ('GTADataset', 'images', 24966), ('SynthiaDataset', 'RGB', 9400),
    ('CityscapesDataset', 'leftImg8bit/train', 2975), ('ACDCDataset', 'rgb_anon/val/', 406),
    ('DarkZurichDataset', 'rgb_anon/train/night', 2416), ('DarkZurichDataset', 'rgb_anon/val', 50),
    ('CrossCityDataset', 'Images/Train', 3200), ('CamVidDataset', 'test', 233),
    ('ADE20KDataset', 'images/training', 20210), ('ADE20KDataset', 'images/validation', 2000),
    ('DarkZurichDataset', 'rgb_anon/train', 8377),
    ('DarkZurichDataset', 'rgb_anon/train/day', 3041),
    ('DarkZurichDataset', 'rgb_anon/train/twilight', 2920),
    ('DarkZurichDataset', 'rgb_anon/val/night', 50),
    ('SynscapesDataset', 'img/rgb-2k', 25000), ('BDD100KDataset', 'images/10k/train', 7000),
    ('BDD100KDataset', 'images/10k/val', 1000), ('MapillaryDataset', 'training/images', 18000),
    ('MapillaryDataset', 'validation/images', 2000), ('WildDashDataset', 'images', 4256),
    ('FolderDataset', 'images', None)])
def test_published_numbers(kind, folder, number):
    assert published_images(dict(type=kind, img_dir=folder)) == number


def own_data(root, content, name, **step):
    """The doctor's findings in one image of one's own."""
    (root / 'images').mkdir()
    content(root / 'images' / name)
    sections = dict(data=dict(test=dict(
        type='FolderDataset', data_root=str(root), img_dir='images', classes=['a'],
        pipeline=[dict(dict(type='LoadImageFromFile'), **step)])))
    return look(root, sections)


def test_bands_and_bits_are_a_fault_that_says_what_to_do(tmp_path):
    found, = own_data(tmp_path, lambda path: cv2.imwrite(str(path), np.full(
        (8, 8, 3), 3000, np.uint16)), 'a.tif')
    assert found.title == 'image is not read' and not found.is_warning
    assert found.found.startswith('has 3 bands of 16 bits')
    assert 'LoadScaledImage' in found.mend


def test_what_the_pipeline_loads_is_no_fault(tmp_path):
    noise = np.random.default_rng(0).random((8, 8, 3), np.float32)
    assert own_data(tmp_path, lambda path: cv2.imwrite(str(path), noise), 'a.tif',
                    type='LoadScaledImage', low=0, high=1) == []


def test_a_named_pipe_among_images_is_named(tmp_path):
    found, = own_data(tmp_path, os.mkfifo, 'a.png')
    assert (found.title, found.found) == ('image is not read', 'is a named pipe, expected a file')
    assert found.mend == 'take it away'
