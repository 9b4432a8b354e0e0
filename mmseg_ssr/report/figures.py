"""Figures and pictures as data addresses that are embedded in the page."""
import base64
import io
from typing import NamedTuple, Optional, Sequence

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Size of the figure of a curve in inches.
CURVE = (4.8, 2.4)
#: Largest width of the figure of a matrix in inches.
WIDTH = 9.6
#: The palette of Okabe and Ito. Color-blind readers can tell its colors apart. Gray is in the place
#: of black, so that all are seen on a white and on a dark page.
COLORS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f')
#: JPEG quality of photographs.
QUALITY = 90


class Picture(NamedTuple):
    """An image of the page: its caption, and its content as a data address."""
    caption: str
    address: str


def color(number: int) -> str:
    """Return the color of the run with this number."""
    return COLORS[number % len(COLORS)]


def curve_axes() -> 'tuple[Figure, Axes]':
    """Make a figure for curves."""
    figure = Figure(figsize=CURVE)  # automatic layouts measure texts and are slow
    axes = figure.subplots()
    figure.subplots_adjust(left=0.13, right=0.98, top=0.96, bottom=0.13)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
    return figure, axes


def svg(figure: Figure) -> str:
    """Encode a figure as SVG. Its background is transparent."""
    file = io.BytesIO()
    figure.savefig(file, format='svg', transparent=True, metadata=dict(Date=None, Creator=None))
    return _address('image/svg+xml', file.getvalue())


def png(image: np.ndarray) -> str:
    """Encode RGB pixels, H x W x 3 uint8, as PNG. It keeps the colors of labels."""
    return _address('image/png', cv2.imencode('.png', image[..., ::-1])[1].tobytes())


def jpeg(image: np.ndarray) -> str:
    """Encode RGB pixels, H x W x 3 uint8, as JPEG. Photographs take a fifth of a PNG's size."""
    content = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return _address('image/jpeg', content.tobytes())


def matrix_figure(values: np.ndarray, rows: Sequence[str], columns: Sequence[str],
                  limits: Optional[Sequence[float]] = None) -> Figure:
    """Draw numbers as colors from white to blue, with a name for each row and column."""
    height = 0.9 + 0.24 * len(rows)
    figure = Figure(figsize=(min(WIDTH, 3 + 0.4 * len(columns)), height), layout='constrained')
    axes = figure.subplots()
    low, high = limits or (None, None)
    image = axes.imshow(values, aspect='auto', cmap='Blues', vmin=low, vmax=high)
    axes.set_yticks(range(len(rows)), rows, fontsize=8, parse_math=False)
    axes.set_xticks(range(len(columns)), columns, fontsize=8, rotation=90, parse_math=False)
    figure.colorbar(image, ax=axes)
    return figure


def _address(kind: str, content: bytes) -> str:
    return f'data:{kind};base64,{base64.b64encode(content).decode()}'
