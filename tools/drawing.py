"""A sheet with boxes, arrows and text, for the figures of the documentation.

The same version of matplotlib gives the same figure to the byte.
"""
import sys
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Patch

from mmseg_ssr.utils.atomic_file import atomic_path, make_folder

Point = Tuple[float, float]
#: Fill and edge of boxes: trained, moving average, frozen, data, losses, plain operations.
COLORS = dict(
    trained=('#dcebfa', '#2b6cb0'), branch=('#fdeeda', '#c05621'), average=('#ece4f7', '#6b46c1'),
    frozen=('#e6e8eb', '#6b7280'), data=('#ffffff', '#4a5568'), loss=('#e2f3e5', '#2f855a'),
    operation=('#fdfbe6', '#8a7a1a'))
TEXT, GRADIENT, FORWARD, AVERAGE = '#1a202c', '#2f855a', '#6b7280', '#6b46c1'
#: Styles of lines: with gradients back along them, without, the teacher's update, and imports.
LINES = dict(
    gradient=dict(color=GRADIENT, lw=2.), forward=dict(color=FORWARD, lw=1.6, ls=(0, (4, 2))),
    average=dict(color=AVERAGE, lw=1.8, ls=(0, (1, 1.2))), imports=dict(color=FORWARD, lw=1.3))


class Drawing:
    """A white sheet with its own coordinate system, whose origin is at the lower left.

    Args:
        width, height: size of the sheet in tenths of an inch.
    """

    def __init__(self, width: float, height: float):
        self.figure = Figure(figsize=(width / 10, height / 10), facecolor='white')
        FigureCanvasAgg(self.figure)
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(0, height))
        self.axes.axis('off')

    def box(self, left: float, bottom: float, width: float, height: float, text: str, kind: str,
            size: float = 9.5, **style) -> None:
        """Draw a box with text in its middle."""
        fill, edge = COLORS[kind]
        self.axes.add_patch(FancyBboxPatch(
            (left + 0.6, bottom + 0.6), width - 1.2, height - 1.2, boxstyle='round,pad=0.6',
            **{**dict(facecolor=fill, edgecolor=edge, lw=1.4), **style}))
        self.text(left + width / 2, bottom + height / 2, text, size)

    def frame(self, left: float, bottom: float, width: float, height: float, title: str,
              kind: str) -> None:
        """Draw a box around others, with a title up its left side."""
        fill, edge = COLORS[kind]
        self.axes.add_patch(FancyBboxPatch(
            (left + 0.8, bottom + 0.8), width - 1.6, height - 1.6, boxstyle='round,pad=0.8',
            facecolor=fill, edgecolor=edge, lw=1.2, alpha=0.45))
        self.text(left + 2.6, bottom + height / 2, title, 9.5, rotation=90, color=edge,
                  weight='bold')

    def text(self, x: float, y: float, text: str, size: float = 8.5, **style) -> None:
        self.axes.text(x, y, text, **{**dict(
            fontsize=size, ha='center', va='center', color=TEXT, linespacing=1.35), **style})

    def arrow(self, points: Sequence[Point], line: str = 'gradient') -> None:
        """Draw a line through points, with a head at the last one."""
        style = LINES[line]
        if len(points) > 2:
            self.axes.add_line(Line2D(*zip(*points[:-1]), solid_capstyle='butt', **style))
        self.axes.annotate('', points[-1], points[-2], arrowprops=dict(
            arrowstyle='-|>', shrinkA=0, shrinkB=0, mutation_scale=12, **style))

    def legend(self, lines: Dict[str, str], boxes: Dict[str, str], y: float) -> None:
        handles: List = [Line2D([], [], label=text, **LINES[line]) for line, text in lines.items()]
        handles += [Patch(facecolor=COLORS[kind][0], edgecolor=COLORS[kind][1], label=text)
                    for kind, text in boxes.items()]
        self.axes.legend(
            handles=handles, loc='center', bbox_to_anchor=(0.5, y), ncol=len(handles),
            frameon=False, fontsize=9, handlelength=2.6, columnspacing=1.6)

    def save(self, path: Path) -> None:
        """Write a PNG, or an SVG that keeps its text as text.

        The file holds no date and no version, so that a figure changes only with the drawing.
        """
        make_folder(path.parent)
        hidden = 'Date' if path.suffix == '.svg' else 'Software'
        with rc_context({'svg.fonttype': 'none', 'svg.hashsalt': path.stem}), \
                atomic_path(path, ending=path.suffix) as part:
            self.figure.savefig(part, dpi=120, metadata={hidden: None})
