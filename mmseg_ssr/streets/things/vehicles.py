"""Cars, trucks, buses and trams as extruded bodies."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..labels import Label
from ..sketch import Points, Sketch, rectangle
from .body import Frame, extrude, wheels


class Car(NamedTuple):
    """Side profile in shares of length and height, material of its edges, and size in meters."""

    profile: Points
    edges: Sequence[str]
    length: float
    height: float
    width: float
    cabin: tuple[float, float, float, float]  # windows: rear, front at the belt, then at the roof


CARS = {
    'saloon': Car([(-.5, .2), (-.5, .62), (-.36, .66), (-.24, 1), (.06, 1), (.22, .64), (.48, .54),
                   (.5, .2)],
                  ['car', 'car', 'glass', 'car', 'glass', 'car', 'car'], 4.6, 1.45, 1.8,
                  (-.38, .17, -.24, .05)),
    'hatchback': Car([(-.5, .2), (-.5, .58), (-.42, 1), (.08, 1), (.26, .62), (.48, .54), (.5, .2)],
                     ['car', 'glass', 'car', 'glass', 'car', 'car'], 4.0, 1.5, 1.75,
                     (-.42, .2, -.38, .06)),
    'van': Car([(-.5, .2), (-.5, .6), (-.47, 1), (.2, 1), (.36, .58), (.48, .5), (.5, .2)],
               ['car', 'glass', 'car', 'glass', 'car', 'car'], 4.8, 1.95, 1.9,
               (-.44, .3, -.42, .18)),
}


class Coachwork(NamedTuple):
    """Draws details on the visible faces of one vehicle."""

    sketch: Sketch
    frame: Frame
    label: Label
    half_length: float
    half_width: float
    tone: float

    def side(self, points: Points, material: str, share: float = 1.0) -> None:
        """Draw (u, y) points on the visible side, at a share of the half width."""
        v = self.frame.visible_side(self.half_width)
        if v is not None:
            self.sketch.add(self.frame.side(points, v * share), self.label, material, self.tone)

    def end(self, points: Points, material: str, share: float = 1.0) -> None:
        """Draw (v, y) points on the visible front or rear, at a share of the half length."""
        u = self.frame.visible_end(self.half_length)
        if u is not None:
            self.sketch.add(self.frame.end(points, u * share), self.label, material, self.tone)

    def underside(self, top: float) -> None:
        """Draw the dark gap between body and ground."""
        long, wide = 0.9 * self.half_length, 0.95 * self.half_width
        self.side(rectangle(-long, 0.08, long, top), 'underside', 0.95)
        self.end(rectangle(-wide, 0.08, wide, top), 'underside', 0.97)

    def lamps(self, low: float, high: float) -> None:
        """Draw head or tail lamps, and the license plate."""
        front = (self.frame.visible_end(self.half_length) or 0) > 0
        for half_width in (-self.half_width, self.half_width):
            lamp = rectangle(0.93 * half_width, low, 0.62 * half_width, high)
            self.end(lamp, 'headlamp' if front else 'taillamp', 1.01)
        self.end(rectangle(-0.26, low - 0.16, 0.26, low - 0.03), 'plate', 1.01)

    def wheels(self, positions: Sequence[float], radius: float) -> None:
        """Draw wheels around the u ``positions``."""
        wheels(self.sketch, self.frame, positions, radius, self.half_width, self.half_length,
               self.label)

    def body(self, profile: Points, edges: Sequence[str], material: str) -> None:
        """Draw the visible faces of a profile (see :func:`.body.extrude`)."""
        extrude(self.sketch, self.frame, profile, edges, self.half_width, self.label, material,
                self.tone)


def draw_car(sketch: Sketch, rng: np.random.Generator, frame: Frame) -> None:
    """Draw a saloon, hatchback or van, 4 to 4.8 m long."""
    sketch.begin()
    car = CARS[('saloon', 'hatchback', 'van')[rng.choice(3, p=[0.4, 0.4, 0.2])]]
    half_length, half_width, height = car.length / 2, car.width / 2, car.height
    works = Coachwork(sketch, frame, Label.CAR, half_length, half_width, rng.random())
    works.underside(0.3 * height)
    works.body(np.array(car.profile) * (car.length, height), car.edges, 'car')
    belt, roof = 0.65 * height, 0.94 * height
    rear, nose, rear_top, nose_top = np.array(car.cabin) * car.length
    pillar = (rear + nose) / 2
    left, right = pillar - 0.04, pillar + 0.04
    works.side([(rear, belt), (left, belt), (left, roof), (rear_top, roof)], 'glass')
    works.side([(right, belt), (nose, belt), (nose_top, roof), (right, roof)], 'glass')
    works.wheels((-0.3 * car.length, 0.31 * car.length), 0.33)
    works.lamps(0.42 * height, 0.55 * height)
    cos, sin = abs(np.cos(frame.heading)), abs(np.sin(frame.heading))
    sketch.shadow(frame.x, frame.z, half_width + 0.1 + half_length * cos,
                  half_length * sin + half_width * 0.5)


def draw_bus(sketch: Sketch, rng: np.random.Generator, frame: Frame) -> None:
    """Draw a city bus, 10 m long, with large windows, doors, wheels and a destination board."""
    sketch.begin()
    half, height = 5.0, 3.1
    works = Coachwork(sketch, frame, Label.BUS, half, 1.25, rng.random())
    profile = [(-half, .35), (-half, 1.5), (-half, 2.7), (-half, height), (half, height),
               (half, 2.75), (half, 1.15), (half, .35)]
    works.underside(0.5)
    works.body(profile, ['bus', 'glass', 'bus', 'bus', 'board', 'glass', 'bus'], 'bus')
    for left in np.arange(6) * 1.58 - half + 0.35:
        works.side(rectangle(left, 1.4, left + 1.42, 2.6), 'glass')
    for left in (-1.3, 3.1):
        works.side(rectangle(left, 0.4, left + 1.1, 2.5), 'door')
    works.side(rectangle(-half, 1.05, half, 1.22), 'trim')
    works.wheels((-2.6, 2.2), 0.5)
    works.lamps(0.7, 1.0)
    sketch.shadow(frame.x, frame.z, 1.55, half, stretch=0.8)


def draw_truck(sketch: Sketch, rng: np.random.Generator, frame: Frame) -> None:
    """Draw a truck: a plain cargo box high above the wheels, and a lower cab in front of it."""
    sketch.begin()
    half, height, width, tone = rng.uniform(2.3, 3.5), rng.uniform(3.1, 3.7), 1.22, rng.random()
    whole = Coachwork(sketch, frame, Label.TRUCK, half + 1.1, width, tone)
    box = Coachwork(sketch, frame.shifted(-1.1), Label.TRUCK, half, width, tone)
    cab = Coachwork(sketch, frame.shifted(half + 0.1), Label.TRUCK, 1.0, width, tone)
    whole.underside(0.95)
    if np.hypot(box.frame.x, box.frame.z) > np.hypot(cab.frame.x, cab.frame.z):
        _draw_cargo(box, height)
        _draw_cab(cab, height - 0.4)
    else:
        _draw_cab(cab, height - 0.4)
        _draw_cargo(box, height)
    whole.wheels((-half - 0.2, -half + 0.9, half), 0.52)
    whole.lamps(0.75, 1.0)
    sketch.shadow(frame.x, frame.z, width + 0.3, half + 1, stretch=0.8)


def _draw_cargo(box: Coachwork, height: float) -> None:
    half, width = box.half_length, box.half_width
    box.body([(-half, .95), (-half, height), (half, height), (half, .95)], ['cargo'] * 3, 'cargo')
    for gap in (-0.03, width - 0.1, 0.04 - width):
        box.end(rectangle(gap, 1.0, gap + 0.06, height - 0.1), 'seam')
    box.side(rectangle(-0.6 * half, 0.45 * height, 0.6 * half, 0.72 * height), 'truck')


def _draw_cab(cab: Coachwork, top: float) -> None:
    top = min(2.7, top)
    cab.body([(-.85, .5), (-.85, top), (.75, top), (1.0, 1.5), (1.0, .5)],
             ['truck', 'truck', 'glass', 'truck'], 'truck')
    cab.side([(-0.3, 1.55), (0.9, 1.55), (0.66, 2.4), (-0.3, 2.4)], 'glass')


def draw_tram(sketch: Sketch, rng: np.random.Generator, frame: Frame) -> None:
    """Draw a tram (class train): long, no wheels, a window band, a colored belt, a pantograph."""
    sketch.begin()
    half, height, width = rng.uniform(9, 13), 3.4, 1.2
    tram = Coachwork(sketch, frame, Label.TRAIN, half, width, rng.random())
    profile = [(-half + .2, .15), (-half, 1.3), (-half + .7, height), (half - .7, height),
               (half, 1.3), (half - .2, .15)]
    tram.body(profile, ['tram', 'glass', 'tram', 'glass', 'tram'], 'tram')
    tram.side(rectangle(.15 - half, .45, half - .15, 1.15), 'tram_belt')
    band = [(.25 - half, 1.5), (half - .25, 1.5), (half - .5, 2.65), (.5 - half, 2.65)]
    tram.side(band, 'glass')
    for joint in (-half / 3, half / 3):
        tram.side(rectangle(joint - 0.2, 0.2, joint + 0.2, height), 'underside')
    tram.end(rectangle(-width, .45, width, 1.15), 'tram_belt')
    tram.end(rectangle(-0.7, 3.0, 0.7, 3.25), 'board', 0.95)
    arms = [(-1.2, height), (0.0, height + 0.9), (1.2, height), (0.0, height + 0.75)]
    tram.side(arms, 'steel', 0.0)
    tram.end(rectangle(-0.8, height + 0.8, 0.8, height + 0.9), 'steel', 0.0)
    tram.lamps(0.6, 0.85)
    sketch.shadow(frame.x, frame.z, width + 0.3, half, stretch=0.8)
