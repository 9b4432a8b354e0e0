"""Solid bodies: side profiles extruded to a width. The faces towards the camera are drawn."""
from collections.abc import Sequence
from typing import NamedTuple, Optional

import numpy as np
from numpy.typing import ArrayLike

from ..labels import Label
from ..sketch import Points, Sketch, ellipse, rectangle

EYE = np.array([0.0, 1.5, 0.0])  # where visibility is decided from. The true height varies a little


class Frame(NamedTuple):
    """The axes of a body: u forward, v across, y up, around the ground point (x, z).

    ``heading`` is the direction of u, from the x axis towards z. A body with pi/2 drives away from
    the camera, with -pi/2 towards it, and with 0 to the right.
    """

    x: float
    z: float
    heading: float

    def world(self, u: ArrayLike, v: ArrayLike, y: ArrayLike) -> np.ndarray:
        """World points (N x 3) for body coordinates (N each, or one number for all)."""
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        points = np.empty((max(np.size(u), np.size(v)), 3))
        points[:, 0] = self.x + u * cos - v * sin
        points[:, 1] = y
        points[:, 2] = self.z + u * sin + v * cos
        return points

    def side(self, points: Points, v: float) -> np.ndarray:
        """World points for (u, y) points on the side plane at ``v``."""
        flat = np.asarray(points, dtype=np.float64)
        return self.world(flat[:, 0], v, flat[:, 1])

    def end(self, points: Points, u: float) -> np.ndarray:
        """World points for (v, y) points on the front or rear plane at ``u``."""
        flat = np.asarray(points, dtype=np.float64)
        return self.world(u, flat[:, 0], flat[:, 1])

    def shifted(self, u: float) -> 'Frame':
        """The same axes, moved forward by ``u``."""
        return Frame(self.x + u * np.cos(self.heading), self.z + u * np.sin(self.heading),
                     self.heading)

    def faces_camera(self, normal: tuple[float, float, float], point: np.ndarray) -> bool:
        """Whether a face with the normal (u, v, y) through the world ``point`` is visible."""
        return float(self._turn(normal) @ (point - EYE)) < 0

    def shade(self, normal: tuple[float, float, float]) -> float:
        """Brightness of a face under light from above and from the left."""
        x, y, z = self._turn(normal)
        return 0.82 + 0.22 * max(y, 0.0) - 0.12 * x - 0.05 * z

    def _turn(self, normal: tuple[float, float, float]) -> np.ndarray:
        u, v, y = normal
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        return np.array([u * cos - v * sin, y, u * sin + v * cos])

    def visible_side(self, half_width: float) -> Optional[float]:
        """The v of the visible side, or None if the camera looks along the body."""
        for v in (-half_width, half_width):
            if self.faces_camera((0, np.sign(v), 0), self.side([(0, 1)], v)[0]):
                return v
        return None

    def visible_end(self, half_length: float) -> Optional[float]:
        """The u of the visible end (front or rear), or None."""
        for u in (-half_length, half_length):
            if self.faces_camera((np.sign(u), 0, 0), self.end([(0, 1)], u)[0]):
                return u
        return None


def extrude(sketch: Sketch, frame: Frame, profile: Points, edges: Sequence[str], half_width: float,
            label: Label, material: str, tone: float) -> None:
    """Draw the visible faces of a profile (u, y) extruded to both sides.

    Args:
        profile: corners from the rear bottom over the roof to the front bottom.
        edges: material of the face along each edge of the profile, without the bottom.
        half_width: half of the extent across, meters.
        label, material, tone: label, material and tone of the side faces. ``tone`` is used for
            all faces.
    """
    corners = np.asarray(profile, dtype=np.float64)
    for (start, end), face in zip(zip(corners[:-1], corners[1:]), edges):
        along = end - start
        normal = (-along[1], 0.0, along[0]) / np.hypot(*along)
        u = np.array([start[0], end[0], end[0], start[0]])
        y = np.array([start[1], end[1], end[1], start[1]])
        points = frame.world(u, np.array([-1, -1, 1, 1]) * half_width, y)
        if frame.faces_camera(normal, points.mean(axis=0)):
            sketch.add(points, label, face, tone, frame.shade(normal))
    v = frame.visible_side(half_width)
    if v is not None:
        sketch.add(frame.side(profile, v), label, material, tone, frame.shade((0, np.sign(v), 0)))


def wheels(sketch: Sketch, frame: Frame, positions: Sequence[float], radius: float,
           half_width: float, half_length: float, label: Label) -> None:
    """Draw the wheels of the visible side, and the two wheels visible at the end."""
    u_end = frame.visible_end(half_length)
    if u_end is not None:
        for v in (-0.82 * half_width, 0.82 * half_width):
            tire = rectangle(v - 0.11, 0.0, v + 0.11, 1.2 * radius)
            sketch.add(frame.end(tire, u_end * 0.97), label, 'tire')
    v = frame.visible_side(half_width)
    if v is None:
        return
    for u in positions:
        sketch.add(frame.side(ellipse(u, radius, radius, radius), v), label, 'tire')
        hub = ellipse(u, radius, 0.55 * radius, 0.55 * radius, corners=8)
        sketch.add(frame.side(hub, v), label, 'hub')
