"""A label painted over its image."""
from typing import Sequence

import cv2
import numpy as np

from .panels import Color, colorize


def overlay(image: np.ndarray, label: np.ndarray, palette: Sequence[Color],
            opacity: float = 0.5) -> np.ndarray:
    """Paint a label over its image. Returns RGB, H x W x 3 uint8.

    Args:
        image: H x W x 3 uint8, RGB.
        label: H x W, train ids.
        opacity: opacity of the paint, in [0, 1].
    """
    return cv2.addWeighted(image, 1 - opacity, colorize(label, palette), opacity, 0)
