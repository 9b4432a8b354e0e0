"""A cache for the last image: an image that is drawn several times in a row is read once."""
import copy
from typing import Any, Callable, Dict, Optional, Sequence

from .checked_loading import CheckedImage, CheckedLabel, leaf_datasets


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
            steps[:reading] = [LastLoaded(steps[:reading])]


class LastLoaded:
    """The first steps of a pipeline, which read files, with their last result.

    Args:
        steps: take and give mmseg's ``results``. Their result depends only on the file names.
    """

    def __init__(self, steps: Sequence[Callable[[Dict], Dict]]):
        self.steps = list(steps)
        self._files: Any = None
        self._loaded: Optional[Dict] = None

    def __call__(self, results: Dict) -> Dict:
        files = [results.get(key) for key in ('img_prefix', 'img_info', 'seg_prefix', 'ann_info')]
        if self._loaded is None or files != self._files:
            self._loaded = None
            for step in self.steps:
                results = step(results)
            self._files, self._loaded = files, results
        return copy.deepcopy(self._loaded)  # later steps may change arrays in place

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.steps!r})'
