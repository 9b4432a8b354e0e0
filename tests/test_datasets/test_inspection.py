import json

import numpy as np
import pytest
from PIL import Image
from tiny_data import cityscapes_config, gta_config, write_ids, write_image

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.datasets.inspection import inspect, inspect_statistics, published_images


def look(config, **options):
    return inspect(build_dataset(dict(config, pipeline=[]), test_mode=True, need_labels=False),
                   **options)


def test_nothing_is_wrong(gta):
    report = look(gta_config(gta))
    assert (report.images, report.labels, report.problems) == (6, 6, [])
    assert sum(report.pixels.values()) == pytest.approx(1) and report.pixels['road'] > 0.4
    assert report.notes == ['no pixel of sidewalk, building, wall, fence, pole, traffic light, '
                            'traffic sign, vegetation, terrain, person, rider, car, truck, bus, '
                            'motorcycle, bicycle']


def test_every_bad_file_is_named(gta):
    label = gta / 'labels'
    (label / '00001_labelTrainIds.png').unlink()
    write_ids(label / '00002_labelTrainIds.png', np.full((16, 64), 3))
    write_ids(label / '00003_labelTrainIds.png', np.full((32, 64), 40))
    damaged = gta / 'images' / '00004.png'
    damaged.write_bytes(damaged.read_bytes()[:200])
    broken = label / '00005_labelTrainIds.png'
    broken.write_bytes(broken.read_bytes()[:60])
    report = look(gta_config(gta))
    expected = {'00001.png': 'has no label', '00002_labelTrainIds.png': 'is 64 x 16 pixels',
                '00003_labelTrainIds.png': 'holds id 40', '00004.png': 'does not decode',
                '00005_labelTrainIds.png': 'does not decode'}
    assert len(report.problems) == 5
    for name, fault in expected.items():
        assert [line for line in report.problems if f'{name} ' in line and fault in line]


def test_what_is_allowed_is_a_note(gta):
    write_image(gta / 'images' / '00001.png')
    write_ids(gta / 'labels' / '00001_labelTrainIds.png', np.full((32, 64), 255))
    write_ids(gta / 'labels' / '99999_labelTrainIds.png', np.zeros((32, 64)))
    Image.new('RGB', (64, 32)).save(gta / 'images' / '00002.png')
    report = look(gta_config(gta), published=24966)
    assert report.problems == []
    for text in ('holds 6 images, published are 24966', '1 labels in', '99999_labelTrainIds.png',
                 '00002.png is of a single colour', '00001_labelTrainIds.png holds no class'):
        assert [line for line in report.notes if text in line], text


def test_images_alone(cityscapes):
    config = cityscapes_config(cityscapes)
    del config['ann_dir']
    report = look(config)
    assert (report.images, report.labels, report.problems, report.notes) == (3, 0, [], [])


def test_several_processes_give_the_same(gta, monkeypatch):
    monkeypatch.setattr('mmseg_ssr.datasets.parallel.CHUNK', 2)
    assert look(gta_config(gta), workers=2) == look(gta_config(gta))


def test_statistics(gta):
    dataset = build_dataset(gta_config(gta))
    assert inspect_statistics(dataset) == []
    records = json.loads((gta / 'sample_class_stats.json').read_text())
    (gta / 'sample_class_stats.json').write_text(json.dumps(
        [*records[1:], {'file': 'labels/gone.png', '0': 1}]))
    missed, gone = inspect_statistics(dataset)
    assert 'miss 1 of 6 labels' in missed and 'name 1 files that are not there' in gone
    (gta / 'sample_class_stats.json').unlink()
    assert 'are missing' in inspect_statistics(dataset)[0]


@pytest.mark.parametrize('kind, folder, number', [
    ('GTADataset', 'images', 24966), ('SynthiaDataset', 'RGB', 9400),
    ('CityscapesDataset', 'leftImg8bit/train', 2975), ('ACDCDataset', 'rgb_anon/val/', 406),
    ('DarkZurichDataset', 'rgb_anon/train/night', 2416), ('DarkZurichDataset', 'rgb_anon/val', 50),
    ('CrossCityDataset', 'Images/Train', 3200), ('FolderDataset', 'images', None)])
def test_published_numbers(kind, folder, number):
    assert published_images(dict(type=kind, img_dir=folder)) == number
