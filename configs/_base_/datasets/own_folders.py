# Your own data: source images with labels, and target images without. Change this file.
# docs/own_data.md explains it.

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
own_source = dict(
    type='FolderDataset',
    data_root='data/own/source/',
    img_dir='images',
    ann_dir='labels',
    classes=classes,
    ignore=ignore)
own_target = dict(
    type='FolderDataset',
    data_root='data/own/target/',
    img_dir='images/train',
    classes=classes)
# Target images with labels, to measure the mIoU. Without labels, train with --no-validate.
own_val = dict(
    type='FolderDataset',
    data_root='data/own/target/',
    img_dir='images/val',
    ann_dir='labels/val',
    classes=classes,
    ignore=ignore)
# Target images with labels for training, if you have any. Only the oracle uses them.
own_oracle = dict(
    type='FolderDataset',
    data_root='data/own/target/',
    img_dir='images/train',
    ann_dir='labels/train',
    classes=classes,
    ignore=ignore)
