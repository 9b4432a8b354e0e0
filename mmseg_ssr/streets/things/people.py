"""Persons, on foot and as riders."""
import numpy as np

from ..labels import Label
from ..sketch import Pen, Plane, Sketch, bar, ellipse, rectangle


def draw_person(sketch: Sketch, rng: np.random.Generator, x: float, z: float) -> None:
    """Draw a standing or walking person, 1.5 to 1.9 m tall, towards the camera."""
    sketch.begin()
    pen = Pen(sketch, Plane(x, z, 0.0, rng.uniform(0.82, 1.07)), Label.PERSON, rng.random())
    stride, swing = rng.uniform(0.05, 0.32), rng.uniform(-0.25, 0.25)
    legs, top = rng.random(2)
    coat, bag = rng.random(2) < 0.3
    for side in (-1, 1):
        foot, hand = side * stride, side * 0.26 + swing
        pen(bar((side * 0.09, 0.88), (foot, 0.04), 0.19), 'trousers', tone=legs)
        pen(rectangle(foot - 0.09, 0.0, foot + 0.13, 0.09), 'shoe')
        pen(bar((side * 0.23, 1.42), (hand, 0.86), 0.13), 'shirt', tone=top)
        pen(ellipse(hand, 0.83, 0.07, 0.08, 6), 'skin')
    if coat:
        pen([(-0.26, 0.5), (0.26, 0.5), (0.22, 1.0), (-0.22, 1.0)], 'shirt', tone=top)
    pen([(-0.19, 0.82), (0.19, 0.82), (0.26, 1.45), (0.1, 1.53), (-0.1, 1.53), (-0.26, 1.45)],
        'shirt', tone=top)
    if bag:
        pen(rectangle(-0.17, 1.0, 0.17, 1.42), 'bag')
    _draw_head(pen, 0.0, 1.66, 'hair')
    sketch.shadow(x, z, 0.3, 0.25, stretch=0.9)


def draw_rider(sketch: Sketch, rng: np.random.Generator, plane: Plane, side_view: bool,
               seat: float, cap: str) -> None:
    """Draw the rider of a two-wheeler that is drawn on ``plane``, sitting at the height ``seat``.

    ``cap`` is the material on the head: hair or a helmet.
    """
    sketch.begin()
    legs, top, tone = rng.random(3)
    pen = Pen(sketch, plane, Label.RIDER, tone)
    draw = _draw_from_the_side if side_view else _draw_from_behind
    _draw_head(pen, *draw(pen, seat, legs, top), cap)


def _draw_from_the_side(pen: Pen, seat: float, legs: float, top: float) -> tuple[float, float]:
    """Draw a rider bent forward, hands on the bar, a foot on a pedal. Returns the head's place."""
    hip, grip, foot = (-0.22, seat), (0.35, seat + 0.1), (-0.02, 0.28)
    knee, shoulder = (hip[0] + 0.42, seat - 0.12), (hip[0] + 0.17, seat + 0.56)
    pen(bar(hip, knee, 0.22), 'trousers', tone=legs)
    pen(bar(knee, foot, 0.17), 'trousers', tone=legs)
    pen(rectangle(foot[0] - 0.08, foot[1] - 0.06, foot[0] + 0.18, foot[1] + 0.06), 'shoe')
    pen(bar((hip[0], seat - 0.08), shoulder, 0.38), 'shirt', tone=top)
    pen(bar(shoulder, grip, 0.13), 'shirt', tone=top)
    return shoulder[0] + 0.08, shoulder[1] + 0.24


def _draw_from_behind(pen: Pen, seat: float, legs: float, top: float) -> tuple[float, float]:
    """Draw a rider with knees apart and elbows out. Returns the head's place."""
    for side in (-1, 1):
        knee = (side * 0.24, seat - 0.25)
        pen(bar((side * 0.1, seat), knee, 0.2), 'trousers', tone=legs)
        pen(bar(knee, (side * 0.16, 0.3), 0.16), 'trousers', tone=legs)
        pen(bar((side * 0.25, seat + 0.52), (side * 0.36, seat + 0.2), 0.13), 'shirt', tone=top)
    pen([(-0.22, seat - 0.08), (0.22, seat - 0.08), (0.28, seat + 0.55), (-0.28, seat + 0.55)],
        'shirt', tone=top)
    return 0.0, seat + 0.78


def _draw_head(pen: Pen, s: float, y: float, cap: str) -> None:
    pen(rectangle(s - 0.05, y - 0.18, s + 0.05, y - 0.05), 'skin')
    pen(ellipse(s, y, 0.12, 0.15), 'skin')
    turn = np.linspace(0, np.pi, 9)
    pen(np.stack([s + 0.135 * np.cos(turn), y + 0.02 + 0.15 * np.sin(turn)], axis=1), cap)
