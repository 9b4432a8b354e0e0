"""Rows of pictures: photographs, labels, wrong pixels and the confidence of the networks."""
from typing import List, NamedTuple, Optional, Sequence, Tuple

import cv2
import matplotlib
import numpy as np

from ..labels.ignore_index import IGNORE_INDEX
from ..visualization import colorize
from . import figures
from .figures import Picture
from .predictions import Prediction

RED = np.array([230, 40, 40], np.uint8)
#: Brightness factor for pixels whose label is not trusted.
DIM = 0.35
#: Largest width of a picture in pixels.
LARGEST = 640


class Strip(NamedTuple):
    """Pictures in a row, as the views of one image, and their common title."""
    title: str
    pictures: Sequence[Picture]


def prediction_strip(title: str, prediction: Prediction, palette: Sequence,
                     threshold: Optional[float] = None) -> Strip:
    """Draw one image: photograph, truth, prediction, error, confidence, teacher's label.

    Args:
        title: title of the strip.
        prediction: the image and what is predicted on it.
        palette: colors of the classes.
        threshold: confidence below which the teacher's label is darkened. None darkens none.
    """
    pictures = [
        *views(prediction, palette), label_picture('prediction', prediction.label, palette),
        photograph('errors in red', error_map(
            prediction.image, prediction.label, prediction.truth)),
        photograph('confidence, bright where sure', heat(prediction.confidence))]
    if prediction.teacher_label is not None:
        caption = 'teacher' + ('' if threshold is None else f', dark below {threshold:g}')
        pictures.append(drawing(caption, pseudo_label_map(prediction, palette, threshold)))
    return Strip(title, pictures)


def views(prediction: Prediction, palette: Sequence) -> List[Picture]:
    """Draw an image and its truth."""
    return [photograph('photograph', prediction.image),
            label_picture('truth', prediction.truth, palette)]


def photograph(caption: str, image: np.ndarray) -> Picture:
    """Show RGB pixels, H x W x 3 uint8."""
    return Picture(caption, figures.jpeg(_reduced(image, cv2.INTER_AREA)))


def drawing(caption: str, image: np.ndarray) -> Picture:
    """Show RGB pixels, H x W x 3 uint8, that keep their colors."""
    return Picture(caption, figures.png(_reduced(image, cv2.INTER_NEAREST)))


def label_picture(caption: str, label: np.ndarray, palette: Sequence) -> Picture:
    """Show train ids, H x W, in the colors of their classes. Other ids are black."""
    return drawing(caption, colorize(label, palette))


def legend(classes: Sequence[str], palette: Sequence) -> List[Tuple[str, str]]:
    """Return name and color of each class, and of pixels without a class."""
    colors = ['#{:02x}{:02x}{:02x}'.format(*one) for one in palette]
    return [*zip(classes, colors), ('no class', '#000000')]


def error_map(image: np.ndarray, label: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Draw the image in pale gray, with wrong pixels in red and ignored pixels in black."""
    picture = np.repeat(128 + image.mean(axis=2, keepdims=True) / 2, 3, axis=2).astype(np.uint8)
    picture[label != truth] = RED
    picture[truth == IGNORE_INDEX] = 0
    return picture


def heat(values: np.ndarray) -> np.ndarray:
    """Draw numbers in [0, 1], H x W, as colors from dark blue to yellow."""
    return matplotlib.colormaps['viridis'](np.clip(values, 0, 1), bytes=True)[..., :3]


def pseudo_label_map(prediction: Prediction, palette: Sequence,
                     threshold: Optional[float]) -> np.ndarray:
    """Draw the teacher's label in colors, darkened where its confidence is below ``threshold``."""
    picture = colorize(prediction.teacher_label, palette)
    if threshold is not None:
        unsure = prediction.teacher_confidence < threshold
        picture[unsure] = (DIM * picture[unsure]).astype(np.uint8)
    return picture


def _reduced(image: np.ndarray, interpolation: int) -> np.ndarray:
    """Reduce an image that is wider than :data:`LARGEST`."""
    height, width = image.shape[:2]
    if width <= LARGEST:
        return image
    return cv2.resize(image, (LARGEST, max(1, round(height * LARGEST / width))),
                      interpolation=interpolation)
