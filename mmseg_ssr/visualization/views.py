"""Panels of the views that a training iteration sees."""
from typing import List, Mapping, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .panels import Panel, colorize, draw_panels

TILE = 256
#: Largest number of classes whose legend is whole. A longer one keeps the classes in the labels.
LEGEND_CLASSES = 40
#: Pixels of a plot for a class, so that its name can be read.
CLASS_WIDTH = 18
#: Height of a row of bars in inches.
BARS_HEIGHT = 3


class ViewTiles(NamedTuple):
    """One view, or the target images with their pseudo-label.

    Attributes:
        name: name for the captions.
        images: B x 3 x H x W, normalized.
        label: B x H x W, classes and 255, or None.
        weight: B x H x W in [0, 1], or None.
        kind: caption of the label.
    """
    name: str
    images: np.ndarray
    label: Optional[np.ndarray] = None
    weight: Optional[np.ndarray] = None
    kind: str = 'label'


def draw_views(views: Sequence[ViewTiles], mean: np.ndarray, std: np.ndarray,
               classes: Sequence[str], palette: Sequence) -> np.ndarray:
    """Draw RGB: a row for each image of the batch. Columns are image, label, weight of each view.

    The legend of more than :data:`LEGEND_CLASSES` classes names those in the labels only.

    Args:
        mean, std: 3 numbers each, in 0..255, of the normalization.
    """
    panels: List[Panel] = []
    for view in views:
        panels.append(Panel(view.name, [restored(one, mean, std) for one in view.images]))
        if view.label is not None:
            panels.append(Panel(f'{view.name} {view.kind}',
                                [colorize(one, palette) for one in view.label]))
        if view.weight is not None:
            panels.append(Panel(f'{view.name} weight', [gray(one) for one in view.weight]))
    if len(classes) > LEGEND_CLASSES:
        return draw_panels(panels, *_seen(views, classes, palette), TILE)
    return draw_panels(panels, classes, palette, TILE)


def _seen(views: Sequence[ViewTiles], classes: Sequence[str], palette: Sequence
          ) -> Tuple[List[str], List]:
    """Return names and colors of the classes in the labels of some views."""
    there = set().union(*(np.unique(view.label).tolist() for view in views
                          if view.label is not None))
    chosen = [i for i in range(len(classes)) if i in there]
    return [classes[i] for i in chosen], [palette[i] for i in chosen]


def restored(image: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Undo the normalization: 3 x H x W RGB -> H x W x 3 uint8."""
    pixels = image * std.reshape(3, 1, 1) + mean.reshape(3, 1, 1)
    return np.ascontiguousarray(pixels.clip(0, 255).round().astype(np.uint8).transpose(1, 2, 0))


def gray(weight: np.ndarray) -> np.ndarray:
    """Draw weights as gray: H x W in [0, 1] -> H x W x 3 uint8, 0 is black."""
    return np.repeat((255 * weight.clip(0, 1)).round().astype(np.uint8)[..., None], 3, axis=2)


def draw_class_shares(shares: Mapping[str, Sequence[float]], classes: Sequence[str],
                      title: str, width: int, log: bool = False) -> np.ndarray:
    """Draw shares as RGB bars, with a group for each class.

    Classes that do not fit in one row go on in further rows. Those without any share are left out
    then.

    Args:
        shares: name -> a number in [0, 1] for each class.
        width: width of the picture in pixels.
        log: draw a logarithmic scale, for shares that differ by orders of magnitude.
    """
    rows = _class_rows(shares, len(classes), max(LEGEND_CLASSES // 2, width // CLASS_WIDTH))
    figure = Figure(figsize=(width / 100, BARS_HEIGHT * len(rows)), dpi=100, layout='constrained')
    canvas = FigureCanvasAgg(figure)
    all_axes = figure.subplots(len(rows), sharey=True, squeeze=False)[:, 0]
    for axes, row in zip(all_axes, rows):
        _draw_bars(axes, {name: [values[i] for i in row] for name, values in shares.items()},
                   [classes[i] for i in row])
    axes = all_axes[0]
    if log:
        axes.set_yscale('log')
        axes.set_ylim(bottom=axes.get_ylim()[0] / 2)  # gives the smallest share a bar too
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def _class_rows(shares: Mapping[str, Sequence[float]], classes: int, fitting: int
                ) -> List[Sequence[int]]:
    """Spread the classes evenly over rows of at most ``fitting``."""
    shown: Sequence[int] = range(classes)
    if classes > fitting:
        shown = [i for i in shown if any(values[i] for values in shares.values())] or [0]
    rows = -(-len(shown) // fitting)
    return [part.tolist() for part in np.array_split(np.asarray(shown), max(rows, 1))]


def _draw_bars(axes: Axes, shares: Mapping[str, Sequence[float]], classes: Sequence[str]) -> None:
    bar = 0.8 / max(1, len(shares))
    for i, (name, values) in enumerate(shares.items()):
        axes.bar(np.arange(len(classes)) + i * bar, values, bar, label=name, align='edge')
    axes.yaxis.set_major_formatter(lambda share, _: f'{100 * share:g} %')
    axes.margins(x=0.01)
    axes.set_xticks(np.arange(len(classes)) + 0.4, classes, rotation=45, ha='right', fontsize=8)


def stacked(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Stack RGB pictures, one above the other, as wide as the first."""
    width = pictures[0].shape[1]
    return np.concatenate([one if one.shape[1] == width else cv2.resize(
        one, (width, round(one.shape[0] * width / one.shape[1]))) for one in pictures])


def encoded(picture: np.ndarray) -> bytes:
    """Encode a picture as PNG."""
    return cv2.imencode('.png', picture[..., ::-1])[1].tobytes()
