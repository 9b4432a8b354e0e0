"""Images beside their labels and predictions, in one picture with captions and a legend."""
from typing import List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX
GAP = 4  # pixels between tiles
CAPTION = 28  # height of the row of captions
LEGEND_ROW = 22
WHITE = (255, 255, 255)
Color = Tuple[int, int, int]


class Panel(NamedTuple):
    """One column of the picture: a caption and an RGB tile, H x W x 3 uint8, for every row."""
    caption: str
    tiles: Sequence[np.ndarray]


def colorize(label: np.ndarray, palette: Sequence[Color]) -> np.ndarray:
    """Color train ids, H x W, as RGB, H x W x 3 uint8. Ids outside the palette become black."""
    colors = np.zeros((256, 3), np.uint8)
    colors[:len(palette)] = palette
    return colors[np.clip(label, 0, 255).astype(np.uint8)]


def draw_panels(panels: Sequence[Panel], classes: Sequence[str] = (),
                palette: Sequence[Color] = (), tile_width: int = 384) -> np.ndarray:
    """Draw one RGB picture: captions on top, a column for each panel, the legend below.

    Raises:
        ValueError: the panels have different numbers of tiles, or none.
    """
    rows = {len(panel.tiles) for panel in panels}
    if len(rows) != 1 or 0 in rows:
        raise ValueError(f'panels need the same number of tiles, at least one, got {sorted(rows)}')
    columns = [_column(panel, tile_width) for panel in panels]
    picture = _with_gaps(columns, axis=1)
    if not classes:
        return picture
    return np.concatenate([picture, draw_legend(classes, palette, picture.shape[1])])


def _column(panel: Panel, width: int) -> np.ndarray:
    caption = np.full((CAPTION, width, 3), WHITE, np.uint8)
    cv2.putText(caption, panel.caption, (4, CAPTION - 9), FONT, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    return _with_gaps([caption] + [_fit(tile, width) for tile in panel.tiles], axis=0)


def _fit(tile: np.ndarray, width: int) -> np.ndarray:
    height = max(1, round(tile.shape[0] * width / tile.shape[1]))
    return cv2.resize(tile, (width, height), interpolation=cv2.INTER_NEAREST)


def _with_gaps(parts: List[np.ndarray], axis: int) -> np.ndarray:
    shape = list(parts[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, WHITE, np.uint8)
    spaced = [part for tile in parts for part in (tile, gap)]
    return np.concatenate(spaced[:-1], axis=axis)


def draw_legend(classes: Sequence[str], palette: Sequence[Color], width: int) -> np.ndarray:
    """Draw the classes beside their colors, as RGB, in rows of ``width`` pixels."""
    entry = 150
    per_row = max(1, width // entry)
    rows = -(-len(classes) // per_row)
    legend = np.full((rows * LEGEND_ROW + 2 * GAP, width, 3), WHITE, np.uint8)
    for i, (name, color) in enumerate(zip(classes, palette)):
        x, y = GAP + i % per_row * entry, GAP + i // per_row * LEGEND_ROW
        cv2.rectangle(legend, (x, y + 3), (x + 16, y + 17), tuple(map(int, color)), -1)
        cv2.putText(legend, name, (x + 22, y + 15), FONT, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return legend
