"""Tiny copies of GTA5, Cityscapes and SYNTHIA, as published and converted."""
import numpy as np
import pytest
from tiny_data import street, write_ids, write_image, write_synthia_label

from mmseg_ssr.labels.published import convert_cityscapes, convert_gta


@pytest.fixture
def gta_raw(tmp_path):
    """Six images with palette labels, as published."""
    root = tmp_path / 'gta'
    for i in range(6):
        write_image(root / 'images' / f'{i + 1:05d}.png', seed=i)
        write_ids(root / 'labels' / f'{i + 1:05d}.png', street(i), palette=True)
    return root


@pytest.fixture
def gta(gta_raw):
    convert_gta(gta_raw)
    return gta_raw


@pytest.fixture
def cityscapes_raw(tmp_path):
    """Three train and two val images, as published."""
    root = tmp_path / 'cityscapes'
    for split, city, count in (('train', 'aachen', 3), ('val', 'lindau', 2)):
        for i in range(count):
            name = f'{split}/{city}/{city}_{i:06d}_000019'
            write_image(root / f'leftImg8bit/{name}_leftImg8bit.png', seed=100 + i)
            write_ids(root / f'gtFine/{name}_gtFine_labelIds.png', street(i))
    return root


@pytest.fixture
def cityscapes(cityscapes_raw):
    convert_cityscapes(cityscapes_raw)
    return cityscapes_raw


@pytest.fixture
def synthia_raw(tmp_path):
    """Three images, of sky with a pixel each of road, void and car, as published."""
    root = tmp_path / 'synthia'
    classes = np.full((32, 64), 1)
    classes[0, :4] = 3, 1, 0, 8
    for i in range(3):
        write_image(root / 'RGB' / f'{i:07d}.png', seed=i)
        write_synthia_label(root / 'GT' / 'LABELS' / f'{i:07d}.png', classes)
    return root
