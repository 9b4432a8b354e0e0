"""Figures as data addresses that are embedded in the page."""
import base64
import io
from typing import Optional, Sequence

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Width of a figure and height of a row in inches, at 100 dots an inch.
WIDTH, ROW = 9.6, 2.4
#: The palette of Okabe and Ito. Color-blind readers can tell its colors apart.
COLORS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000')


def color(number: int) -> str:
    """Return the color of the run with this number."""
    return COLORS[number % len(COLORS)]


def grid(count: int, columns: int = 2, height: float = ROW) -> 'tuple[Figure, Sequence[Axes]]':
    """Make a figure with ``count`` axes."""
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, rows * height))  # automatic layouts measure texts and are slow
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    figure.subplots_adjust(left=0.08, right=0.99, wspace=0.2, hspace=0.5,
                           top=1 - 0.4 / rows / height, bottom=0.3 / rows / height)
    for spare in axes[count:]:
        spare.remove()
    return figure, axes[:count]


def svg(figure: Figure) -> str:
    """Encode a figure as SVG."""
    file = io.BytesIO()
    figure.savefig(file, format='svg', metadata=dict(Date=None, Creator=None))
    return _address('image/svg+xml', file.getvalue())


def png(image: np.ndarray) -> str:
    """Encode RGB pixels, H x W x 3 uint8, as PNG."""
    return _address('image/png', cv2.imencode('.png', image[..., ::-1])[1].tobytes())


def jpeg(image: np.ndarray) -> str:
    """Encode RGB pixels, H x W x 3 uint8, as JPEG. Photographs take a fifth of a PNG's size."""
    return _address('image/jpeg', cv2.imencode('.jpg', image[..., ::-1])[1].tobytes())


def matrix_figure(values: np.ndarray, rows: Sequence[str], columns: Sequence[str],
                  title: str, limits: Optional[Sequence[float]] = None) -> Figure:
    """Draw numbers as colors, with a name for each row and column."""
    height = 1.2 + 0.24 * len(rows)
    figure = Figure(figsize=(min(WIDTH, 3 + 0.4 * len(columns)), height), layout='constrained')
    axes = figure.subplots()
    low, high = limits or (None, None)
    image = axes.imshow(values, aspect='auto', cmap='viridis', vmin=low, vmax=high)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_xticks(range(len(columns)), columns, fontsize=8, rotation=90)
    axes.set_title(title, fontsize=10)
    figure.colorbar(image, ax=axes)
    return figure


def _address(kind: str, content: bytes) -> str:
    return f'data:{kind};base64,{base64.b64encode(content).decode()}'
