"""Panels of predictions that show wrong pixels and the confidence of the networks."""
from typing import Dict, List, Optional, Sequence

import matplotlib
import numpy as np

from ..labels.ignore_index import IGNORE_INDEX
from ..visualization import Panel, colorize, draw_panels
from .predictions import Prediction

RED = np.array([230, 40, 40], np.uint8)
#: Brightness factor for pixels whose label is not trusted.
DIM = 0.35
TILE = 300  # pixels


def prediction_panels(predictions: Sequence[Prediction], classes: Sequence[str],
                      palette: Sequence, threshold: Optional[float] = None) -> np.ndarray:
    """Draw a row for each image: image, truth, prediction, error, confidence, teacher's label.

    Args:
        predictions: one prediction for each row.
        classes, palette: names and colors of the classes.
        threshold: confidence below which the teacher's label is darkened. None darkens none.
    """
    panels = [
        Panel('image', [p.image for p in predictions]),
        Panel('ground truth', [colorize(p.truth, palette) for p in predictions]),
        Panel('prediction', [colorize(p.label, palette) for p in predictions]),
        Panel('error (red)', [error_map(p.image, p.label, p.truth) for p in predictions]),
        Panel('confidence (bright: sure)', [heat(p.confidence) for p in predictions]),
    ]
    if all(p.teacher_label is not None for p in predictions):
        caption = 'teacher' + ('' if threshold is None else f' (dark: below {threshold:g})')
        panels.append(Panel(caption, [pseudo_label_map(p, palette, threshold)
                                      for p in predictions]))
    return draw_panels(panels, classes, palette, TILE)


def comparison_panels(by_run: Dict[str, List[Prediction]], classes: Sequence[str],
                      palette: Sequence) -> np.ndarray:
    """Draw a row for each image: image, truth, and the prediction of each run."""
    first = next(iter(by_run.values()))
    panels = [Panel('image', [p.image for p in first]),
              Panel('ground truth', [colorize(p.truth, palette) for p in first])]
    panels += [Panel(name, [colorize(p.label, palette) for p in predictions])
               for name, predictions in by_run.items()]
    return draw_panels(panels, classes, palette, TILE)


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
