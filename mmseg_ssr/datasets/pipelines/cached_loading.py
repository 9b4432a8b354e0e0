"""The last image and label are kept: an image that is drawn several times in a row is read once."""
from mmseg.datasets.pipelines import Resize

from ...domains.last_loaded import forget_last, keep_last
from .checked_loading import CheckedImage, CheckedLabel, leaf_datasets

#: The keys of mmseg's ``results`` that name the files.
FILES = ('img_prefix', 'img_info', 'seg_prefix', 'ann_info')


def keep_last_loaded(dataset, resized: bool = False) -> None:
    """Make the data sets in ``dataset`` keep the image and the label they read last.

    Rare class sampling draws crops of one image until one fits. Reading draws no random numbers,
    so the samples do not change.

    Args:
        resized: keep them as they are resized, so that all crops of an image have one random scale.
            :func:`forget_last_loaded` begins another sample.

    Raises:
        ConfigError: ``resized``, and a pipeline does not resize what it has read.
    """
    for steps in _pipelines(dataset):
        keep_last(steps, lambda step: isinstance(step, (CheckedImage, CheckedLabel)), FILES,
                  _resizes if resized else None)


def forget_last_loaded(dataset) -> None:
    """Let the data sets in ``dataset`` read, and resize, the next image anew."""
    for steps in _pipelines(dataset):
        forget_last(steps)


def _pipelines(dataset):
    return (getattr(getattr(leaf, 'pipeline', None), 'transforms', [])
            for leaf in leaf_datasets(dataset))


def _resizes(step) -> bool:
    return isinstance(getattr(step, 'step', step), Resize)
