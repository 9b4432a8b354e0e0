"""A cache for the last image: an image that is drawn several times in a row is read once."""
import copy
from typing import Any, Callable, Dict, Optional, Sequence


class LastLoaded:
    """The first steps of a pipeline, which read files, with their last result.

    Args:
        steps: take and give mmseg's ``results``. Their result depends only on the files.
        keys: the keys of ``results`` that name the files.
    """

    def __init__(self, steps: Sequence[Callable[[Dict], Dict]], keys: Sequence[str]):
        self.steps = list(steps)
        self.keys = tuple(keys)
        self._files: Any = None
        self._loaded: Optional[Dict] = None

    def __call__(self, results: Dict) -> Dict:
        files = [results.get(key) for key in self.keys]
        if self._loaded is None or files != self._files:
            self._loaded = None
            for step in self.steps:
                results = step(results)
            self._files, self._loaded = files, results
        return copy.deepcopy(self._loaded)  # later steps may change arrays in place

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.steps!r})'
