"""The drawing list of a scene: flat polygons in the world, each with a label and a material."""
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, Optional

import numpy as np

from .labels import Label

Points = Sequence[tuple[float, float]]


class Part(NamedTuple):
    """One polygon, drawn over all parts before it.

    Attributes:
        points: N x 3 corners in meters (see :mod:`.camera`).
        label: Cityscapes label id.
        material: name of the material, which a look turns into color and texture.
        tone: number in [0, 1) that selects one of the material's colors.
        shade: brightness of the face, 1 in full light.
        thing: number of the object that the part belongs to, counted from 0.
    """

    points: np.ndarray
    label: int
    material: str
    tone: float
    shade: float
    thing: int


class Plane(NamedTuple):
    """Vertical plane for flat drawings: it maps ``(s, y)`` to origin + s * (cos, sin) + y * up.

    ``angle`` is measured from the x axis towards z, in radians. 0 faces the camera, pi/2 runs along
    the street. ``scale`` multiplies both coordinates.
    """

    x: float
    z: float
    angle: float = 0.0
    scale: float = 1.0

    def __call__(self, points: Points) -> np.ndarray:
        flat = np.asarray(points, dtype=np.float64) * self.scale
        world = np.empty((len(flat), 3))
        world[:, 0] = self.x + flat[:, 0] * math.cos(self.angle)
        world[:, 1] = flat[:, 1]
        world[:, 2] = self.z + flat[:, 0] * math.sin(self.angle)
        return world


class Pen(NamedTuple):
    """Draws shapes of one label on one plane. ``tone`` is the default tone of a shape."""

    sketch: 'Sketch'
    plane: Plane
    label: Label
    tone: float = 0.5

    def __call__(self, points: Points, material: str, shade: float = 1.0,
                 tone: Optional[float] = None) -> None:
        self.sketch.add(self.plane(points), self.label, material,
                        self.tone if tone is None else tone, shade)


@dataclass
class Sketch:
    """Collects the parts and ground shadows of a scene in drawing order."""

    parts: list[Part] = field(default_factory=list)
    shadows: list[np.ndarray] = field(default_factory=list)
    things: int = 0

    def begin(self) -> None:
        """Start a new object, to which all later parts belong."""
        self.things += 1

    def add(self, points: np.ndarray, label: Label, material: str, tone: float = 0.5,
            shade: float = 1.0) -> None:
        """Append a polygon (N x 3, meters) of the current object."""
        self.parts.append(Part(points, int(label), material, tone, shade, max(self.things - 1, 0)))

    def shadow(self, x: float, z: float, half_width: float, half_length: float,
               stretch: float = 0.0) -> None:
        """Append a shadow on the ground around (x, z), lengthened by ``stretch`` meters along x."""
        left, right = x - half_width + min(stretch, 0), x + half_width + max(stretch, 0)
        near, far = z - half_length, z + half_length
        self.shadows.append(ground_strip(left, right, near, far))


def rectangle(left: float, bottom: float, right: float, top: float) -> Points:
    """Corners of an upright rectangle."""
    return [(left, bottom), (right, bottom), (right, top), (left, top)]


def ellipse(s: float, y: float, radius_s: float, radius_y: float, corners: int = 12) -> Points:
    """Corners of an ellipse around (s, y)."""
    return _circle(corners) * (radius_s, radius_y) + (s, y)


@cache
def _circle(corners: int) -> np.ndarray:
    turn = np.arange(corners) * (2 * np.pi / corners)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def bar(start: tuple[float, float], end: tuple[float, float], width: float) -> Points:
    """Corners of a straight bar of the given width between two points."""
    (s0, y0), (s1, y1) = start, end
    length = max(float(np.hypot(s1 - s0, y1 - y0)), 1e-6)
    ds, dy = -(y1 - y0) / length * width / 2, (s1 - s0) / length * width / 2
    return [(s0 + ds, y0 + dy), (s1 + ds, y1 + dy), (s1 - ds, y1 - dy), (s0 - ds, y0 - dy)]


def ground_strip(left: float, right: float, near: float, far: float) -> np.ndarray:
    """Corners (4 x 3) of a rectangle that lies on the ground."""
    return np.array([[left, 0, near], [right, 0, near], [right, 0, far], [left, 0, far]])
