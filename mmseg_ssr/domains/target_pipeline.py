"""The pipeline of a target data set: its labels are never read, its margins become a mask."""
import copy
import re
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from ..errors import ConfigError, DataError

#: Name of the mask of pixels whose pseudo-labels count.
MASK = 'valid_pseudo_mask'


def without_labels(pipeline: Sequence[Dict[str, Any]], label: str, place: str,
                   warn: Callable[[str], Any]) -> List[Dict[str, Any]]:
    """Return a copy of the steps of a pipeline without those that need labels.

    MIC's target pipelines load labels and discard them later.

    Args:
        label: key of the label, which is taken out of the ``keys`` of all steps.
        place: key of the target in the config, for the warning.
        warn: function that logs a warning.
    """
    steps = [copy.deepcopy(step) for step in pipeline if step_name(step) != 'LoadAnnotations']
    for step in steps:
        if 'keys' in step:
            step['keys'] = [key for key in step['keys'] if key != label]
        if step_name(step) == 'RandomCrop' and step.pop('cat_max_ratio', 1.0) < 1.0:
            warn(f'{place}.pipeline: RandomCrop.cat_max_ratio is left out, it needs labels and a '
                 'target has none')
    return steps


def after_loading(pipeline: Sequence[Dict[str, Any]], step: Dict[str, Any], last: str,
                  place: str) -> List[Dict[str, Any]]:
    """Put a step after the one that loads the image.

    Args:
        last: type that the last step must have.
        place: key in the config that asks for the step, for the message.

    Raises:
        ConfigError: no step loads an image, or the last step is another one.
    """
    loads = [i for i, one in enumerate(pipeline) if loads_image(one)]
    if not loads or step_name(pipeline[-1]) != last:
        raise ConfigError(f'{place} needs a pipeline that loads an image '
                          f'(LoadImageFromFile) and ends with {last}, got '
                          f'{[step_name(one) for one in pipeline]}')
    return [*pipeline[:loads[0] + 1], step, *pipeline[loads[0] + 1:]]


def loads_image(step: Dict[str, Any]) -> bool:
    """Whether a pipeline step loads the image, by its name: ``LoadImageFromFile`` and its like."""
    return re.match('Load.*Image', step_name(step)) is not None


def step_name(step: Dict[str, Any]) -> str:
    """Type of a pipeline step, for which OpenMMLab also accepts a class."""
    return step['type'] if isinstance(step['type'], str) else step['type'].__name__


def checked_margins(margins: Sequence[Union[int, float]]) -> Tuple[Union[int, float], ...]:
    """Return the margins top, bottom, left and right, in pixels or as shares of the image.

    Raises:
        ConfigError: they are not four integers >= 0, or floats below 1, or shares leave nothing.
    """
    valid = isinstance(margins, Sequence) and len(margins) == 4
    if not valid or any(isinstance(m, bool) or not isinstance(m, (int, float)) or m < 0
                        or isinstance(m, float) and m >= 1 for m in margins):
        raise ConfigError('crop_pseudo_margins must be four pixel counts >= 0, or shares of the '
                          f'image below 1, [top, bottom, left, right], got {margins!r}')
    for one, other in (margins[:2], margins[2:]):
        if isinstance(one, float) and isinstance(other, float) and one + other >= 1:
            raise ConfigError('crop_pseudo_margins must leave something of the image: top + bottom '
                              f'and left + right must be below 1, got {margins!r}')
    return tuple(margins)


def margin_mask(shape: Sequence[int], margins: Sequence[Union[int, float]],
                file: Optional[str]) -> np.ndarray:
    """Return a mask H x W uint8 that is 0 in the margins of an image and 1 elsewhere.

    Args:
        shape: height and width of the image.
        margins: top, bottom, left and right margin, in pixels (int) or as shares of the image's
            height or width (float), rounded down.
        file: path of the image, for the message.

    Raises:
        DataError: the margins leave nothing of the image.
    """
    height, width = shape
    top, bottom, left, right = (
        int(margin * side) if isinstance(margin, float) else margin
        for margin, side in zip(margins, (height, height, width, width)))
    if top + bottom >= height or left + right >= width:
        raise DataError(f'crop_pseudo_margins {list(margins)} (top, bottom, left, right) leave '
                        f'nothing of {file}, {width} x {height} pixels: make them smaller')
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[top:height - bottom, left:width - right] = 1
    return mask
