"""A cache for the last image: an image that is drawn several times in a row is read once."""
import copy
from typing import Any, Callable, Dict, List, Optional, Sequence

from ..errors import ConfigError


class LastLoaded:
    """The first steps of a pipeline, which read files, with their last result.

    Args:
        steps: take and give mmseg's ``results``. Their result depends only on the files, or is
            forgotten in time.
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

    def forget(self) -> None:
        """Read, and resize, the next image anew."""
        self._loaded = None

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.steps!r})'


def keep_last(steps: List, reads: Callable[[Any], bool], keys: Sequence[str],
              resizes: Optional[Callable[[Any], bool]] = None) -> None:
    """Join the first steps of a pipeline, in place, into one that keeps its last result.

    Args:
        reads: whether a step reads a file.
        keys: the keys of ``results`` that name the files.
        resizes: whether a step resizes what has been read. It is kept with the others. So all crops
            of an image have one random scale, until it is forgotten. None keeps what has been read.

    Raises:
        ConfigError: with ``resizes``, if the step behind the reading ones does something else.
    """
    kept = 0
    while kept < len(steps) and reads(steps[kept]):
        kept += 1
    if resizes is not None:
        if kept == len(steps) or not resizes(steps[kept]):
            raise ConfigError('rare_class_sampling.keep_scale needs a step that resizes right '
                              'behind the loading steps of each source')
        kept += 1
    if kept:
        steps[:kept] = [LastLoaded(steps[:kept], keys)]


def forget_last(steps: Sequence[Any]) -> None:
    """Let the first step of a pipeline forget what it keeps."""
    if steps and isinstance(steps[0], LastLoaded):
        steps[0].forget()
