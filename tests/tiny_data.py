"""Images, labels and configs of tiny data sets in the real layouts."""
import cv2
import numpy as np
from PIL import Image

NORMALIZE = dict(type='Normalize', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
                 to_rgb=True)


def write_image(path, height=32, width=64, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.write_bytes(cv2.imencode('.png', image)[1].tobytes())


def write_ids(path, ids, palette=False):
    """Label ids as a gray PNG, or as a palette PNG whose colors say something else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(ids, dtype=np.uint8))
    if palette:
        image.putpalette(list(range(255, -1, -1)) * 3)
        assert image.mode == 'P'
    image.save(path)


def write_synthia_label(path, classes, instances=300):
    """Three channels of 16 bits: R the class, G the instance. OpenCV writes B, G, R."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = np.zeros((*np.shape(classes), 3), np.uint16)
    content[..., 2], content[..., 1] = classes, instances
    path.write_bytes(cv2.imencode('.png', content)[1].tobytes())
    return path


def street(seed=0, height=32, width=64):
    """Label ids: sky over road, and every third image has a train (31) in it."""
    ids = np.full((height, width), 23)
    ids[height // 2:] = 7
    if seed % 3 == 0:
        ids[height // 2:height // 2 + 8, 8:40] = 31
    ids[0, 0] = 1  # ego vehicle: ignored
    return ids


def training_steps(crop=(24, 24), labels=True, **crop_options):
    keys = ['img', 'gt_semantic_seg'] if labels else ['img']
    return [dict(type='LoadImageFromFile'), *([dict(type='LoadAnnotations')] if labels else []),
            dict(type='Resize', img_scale=(96, 48)),
            dict(type='RandomCrop', crop_size=crop, **crop_options),
            dict(type='RandomFlip', prob=0.5), dict(NORMALIZE),
            dict(type='Pad', size=crop, pad_val=0, seg_pad_val=255),
            dict(type='DefaultFormatBundle'), dict(type='Collect', keys=keys)]


def gta_config(root, **changes):
    return dict(dict(type='GTADataset', data_root=str(root), img_dir='images', ann_dir='labels',
                     pipeline=training_steps()), **changes)


def cityscapes_config(root, split='train', **changes):
    return dict(dict(type='CityscapesDataset', data_root=str(root),
                     img_dir=f'leftImg8bit/{split}', ann_dir=f'gtFine/{split}',
                     pipeline=training_steps()), **changes)
