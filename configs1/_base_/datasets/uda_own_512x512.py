# Your own data: source images with labels, and target images without. Change this file.
# docs/own_data.md explains it.
_base_ = ['uda_gta_to_cityscapes_512x512.py']

# The classes, the same for source and target. ids: the values of a class in labels with one
# channel. color: the color of a class in pictures, and in labels with three channels.
classes = [
    dict(name='ground', color=[128, 64, 128], ids=[7, 8, 22]),
    dict(name='building', color=[70, 70, 70], ids=[11, 12, 13]),
    dict(name='object', color=[220, 220, 0], ids=[17, 19, 20]),
    dict(name='vegetation', color=[107, 142, 35], ids=[21]),
    dict(name='sky', color=[70, 130, 180], ids=[23]),
    dict(name='person', color=[220, 20, 60], ids=[24, 25]),
    dict(name='vehicle', color=[0, 0, 142], ids=[26, 27, 28, 31, 32, 33]),
]
# Values of no class: a list, or 'rest' for all others. With a list, any other value in a label is
# an error, which names the file and the value.
ignore = 'rest'

# The label of images/a/b.jpg is labels/a/b.png. For other endings, set for example
# img_suffix='_photo.jpg', seg_map_suffix='_mask.png'.
train_dataloader = dict(
    dataset=dict(
        source=dict(
            type='FolderDataset', data_root='data/own/source/', classes=classes, ignore=ignore),
        target=dict(
            type='FolderDataset',
            data_root='data/own/target/',
            data_prefix=dict(img_path='images/train'),
            classes=classes)))
# Target images with labels, to measure the mIoU.
val_dataloader = dict(
    dataset=dict(
        type='FolderDataset',
        data_root='data/own/target/',
        data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
        classes=classes,
        ignore=ignore))
test_dataloader = val_dataloader
