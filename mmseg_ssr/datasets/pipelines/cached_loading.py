"""The last image and label are kept: an image that is drawn several times in a row is read once."""
from ...domains.last_loaded import LastLoaded
from .checked_loading import CheckedImage, CheckedLabel, leaf_datasets

#: The keys of mmseg's ``results`` that name the files.
FILES = ('img_prefix', 'img_info', 'seg_prefix', 'ann_info')


def keep_last_loaded(dataset) -> None:
    """Make the data sets in ``dataset`` keep the image and the label they read last.

    Rare class sampling draws crops of one image until one fits. Reading draws no random numbers,
    so the samples do not change.
    """
    for leaf in leaf_datasets(dataset):
        steps = getattr(getattr(leaf, 'pipeline', None), 'transforms', [])
        reading = 0
        while reading < len(steps) and isinstance(steps[reading], (CheckedImage, CheckedLabel)):
            reading += 1
        if reading:
            steps[:reading] = [LastLoaded(steps[:reading], FILES)]
