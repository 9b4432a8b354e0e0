"""The classes of Cityscapes, their ids and colors, and the subsets of other data sets.

The class at position i has train id i, which networks learn. The label images of Cityscapes and
GTA5 hold label ids.
"""
CLASSES = ('road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign',
           'vegetation', 'terrain', 'sky', 'person', 'rider', 'car', 'truck', 'bus', 'train',
           'motorcycle', 'bicycle')
#: RGB of each class.
PALETTE = ((128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153),
           (153, 153, 153), (250, 170, 30), (220, 220, 0), (107, 142, 35), (152, 251, 152),
           (70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100),
           (0, 80, 100), (0, 0, 230), (119, 11, 32))
#: Label id of each class. Labels hold other ids too, which are ignored.
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
#: Label id -> train id.
TRAIN_IDS = {label_id: train_id for train_id, label_id in enumerate(LABEL_IDS)}
#: The classes of SYNTHIA.
SIXTEEN = tuple(name for name in CLASSES if name not in ('terrain', 'truck', 'train'))
#: The scored classes of NTHU Cross-City, and of SYNTHIA in older papers.
THIRTEEN = tuple(name for name in SIXTEEN if name not in ('wall', 'fence', 'pole'))
