"""Bicycles and motorcycles, with and without a rider."""
import numpy as np

from ..labels import Label
from ..sketch import Pen, Plane, Points, Sketch, bar, ellipse, rectangle
from .people import draw_rider

Shapes = list[tuple[Points, str]]  # points on the plane, and the material


def draw_bicycle(sketch: Sketch, rng: np.random.Generator, x: float, z: float, side_view: bool,
                 rider: bool) -> None:
    """Draw a bicycle, from the side or from behind, and its rider as a separate object."""
    plane = Plane(x, z, _oblique(rng)) if side_view else Plane(x, z)
    shapes = _bicycle_side() if side_view else _bicycle_back()
    _draw(sketch, plane, shapes, Label.BICYCLE, rng.random())
    sketch.shadow(x, z, 0.8 if side_view else 0.25, 0.3)
    if rider:
        cap = 'helmet' if rng.random() < 0.5 else 'hair'
        draw_rider(sketch, rng, plane, side_view, seat=0.98, cap=cap)


def draw_motorcycle(sketch: Sketch, rng: np.random.Generator, x: float, z: float,
                    side_view: bool, rider: bool) -> None:
    """Draw a motorcycle, from the side or from behind, and its rider as a separate object."""
    plane = Plane(x, z, _oblique(rng)) if side_view else Plane(x, z)
    shapes = _motorcycle_side() if side_view else _motorcycle_back()
    _draw(sketch, plane, shapes, Label.MOTORCYCLE, rng.random())
    sketch.shadow(x, z, 1.0 if side_view else 0.4, 0.4)
    if rider:
        draw_rider(sketch, rng, plane, side_view, seat=0.9, cap='helmet')


def _oblique(rng: np.random.Generator) -> float:
    """An angle up to 50 degrees off the image plane, facing left or right."""
    return rng.uniform(-0.85, 0.85) + (np.pi if rng.random() < 0.5 else 0.0)


def _draw(sketch: Sketch, plane: Plane, shapes: Shapes, label: Label, tone: float) -> None:
    sketch.begin()
    pen = Pen(sketch, plane, label, tone)
    for points, material in shapes:
        pen(points, material)


def _bicycle_side() -> Shapes:
    crank, seat, head, rear, front = (-.08, .32), (-.2, .88), (.36, .86), (-.52, .35), (.52, .35)
    shapes = []
    for s, y in (rear, front):
        shapes.append((ellipse(s, y, 0.36, 0.36, 14), 'tire'))
        shapes.append((ellipse(s, y, 0.29, 0.29, 14), 'spokes'))
    tubes = ((crank, seat), (crank, head), (seat, head), (rear, crank), (rear, seat), (head, front))
    shapes += [(bar(start, end, 0.065), 'bike') for start, end in tubes]
    return [*shapes, (rectangle(-0.34, 0.9, -0.06, 0.98), 'saddle'),
            (bar(head, (0.3, 1.05), 0.06), 'steel'),
            (bar((0.2, 1.06), (0.45, 1.02), 0.07), 'steel')]


def _bicycle_back() -> Shapes:
    return [(rectangle(-0.05, 0.0, 0.05, 0.68), 'tire'),
            (bar((-0.3, 1.0), (0.3, 1.0), 0.07), 'steel'),
            (rectangle(-0.03, 0.6, 0.03, 1.0), 'bike'),
            (rectangle(-0.1, 0.88, 0.1, 0.97), 'saddle'),
            (rectangle(-0.14, 0.5, 0.14, 0.62), 'bike')]


def _motorcycle_side() -> Shapes:
    shapes = []
    for s in (-0.68, 0.72):
        shapes.append((ellipse(s, 0.33, 0.34, 0.34, 14), 'tire'))
        shapes.append((ellipse(s, 0.33, 0.17, 0.17, 10), 'hub'))
    return [*shapes, (bar((0.42, 1.0), (0.72, 0.35), 0.12), 'steel'),
            ([(-0.45, 0.3), (0.35, 0.25), (0.45, 0.6), (-0.3, 0.65)], 'engine'),
            ([(-0.1, 0.62), (0.4, 0.6), (0.5, 0.95), (0.05, 0.98)], 'motorbike'),
            ([(-0.95, 0.72), (-0.05, 0.62), (0.0, 0.82), (-0.85, 0.9)], 'saddle'),
            ([(-1.0, 0.66), (-0.4, 0.55), (-0.35, 0.68), (-0.95, 0.78)], 'motorbike'),
            ([(0.42, 0.85), (0.72, 0.8), (0.62, 1.25), (0.45, 1.15)], 'motorbike'),
            (bar((-0.8, 0.3), (-0.1, 0.24), 0.14), 'steel'),
            (bar((0.25, 1.12), (0.5, 1.08), 0.09), 'tire')]


def _motorcycle_back() -> Shapes:
    mirrors = [(ellipse(s, 1.22, 0.1, 0.08, 8), 'steel') for s in (-0.46, 0.46)]
    return [(rectangle(-0.13, 0.0, 0.13, 0.66), 'tire'),
            (rectangle(-0.24, 0.5, 0.24, 0.95), 'motorbike'),
            (rectangle(-0.12, 0.7, 0.12, 0.82), 'taillamp'),
            (rectangle(-0.2, 0.86, 0.2, 1.0), 'saddle'),
            (bar((-0.46, 1.14), (0.46, 1.14), 0.1), 'steel'),
            (bar((-0.3, 0.4), (-0.3, 0.2), 0.16), 'steel'), *mirrors]
