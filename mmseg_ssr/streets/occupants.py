"""A street's lanes and sidewalks, and the things that stand or move on them."""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

import numpy as np

from .sketch import Sketch
from .things import roadside, vehicles
from .things.body import Frame
from .things.cycles import draw_bicycle, draw_motorcycle
from .things.people import draw_person

AWAY, TOWARDS = np.pi / 2, -np.pi / 2  # headings

Draw = Callable[[Sketch, np.random.Generator], None]
Item = tuple[float, Draw]  # nearest z in meters, and the function that draws it

#: Length in meters of each kind of vehicle.
LENGTHS = {'car': 4.6, 'truck': 9.0, 'bus': 10.0, 'tram': 22.0, 'cyclist': 2.0, 'motorcyclist': 2.0}
#: Share of each kind of vehicle by lane.
SHARES = {'oncoming': (.62, .09, .07, .05, .08, .09), 'ahead': (.6, .12, .08, 0, .1, .1),
          'parked': (.94, .06, 0, 0, 0, 0)}


@dataclass(frozen=True)
class Street:
    """Cross-section in meters. Pairs are (left side, right side).

    Attributes:
        left, right: x of the road's edges. The camera is at 0.
        sidewalk, verge: widths. The verge lies between sidewalk and frontage and may be 0.
    """

    left: float
    right: float
    sidewalk: tuple[float, float]
    verge: tuple[float, float]

    @classmethod
    def random(cls, rng: np.random.Generator) -> 'Street':
        """Make a street with two lanes, sometimes with room for parked cars."""
        verge = [rng.uniform(2.0, 6.0) if rng.random() < 0.5 else 0.0 for _ in range(2)]
        return cls(left=-rng.uniform(4.4, 7.5), right=rng.uniform(2.2, 4.8),
                   sidewalk=(rng.uniform(2.5, 5.5), rng.uniform(2.5, 5.5)),
                   verge=(verge[0], verge[1]))

    def curb(self, side: int) -> float:
        """|x| of the road's edge on the left (-1) or right (+1)."""
        return self.right if side > 0 else -self.left

    def walk(self, side: int, share: float) -> float:
        """x on the sidewalk: ``share`` 0 at the curb, 1 at its outer edge."""
        return side * (self.curb(side) + share * self.sidewalk[side > 0])

    def edge(self, side: int) -> float:
        """|x| of the frontage."""
        return self.curb(side) + self.sidewalk[side > 0] + self.verge[side > 0]


def choose(rng: np.random.Generator, street: Street, feature: str) -> list[Item]:
    """Choose everything on the street, in no order. ``feature`` is always there."""
    crossing = rng.uniform(6, 16) if feature == 'crossing' or rng.random() < 0.25 else None
    items = _traffic(rng, street, feature, start=0.0 if crossing is None else crossing + 3.0)
    items += _people(rng, street, crossing)
    items += _parked_cycles(rng, street, feature)
    for side in (-1, 1):
        items += _posts(rng, street, side) + _greenery(rng, street, side)
        items += _railing(rng, street, side)
    return items


def _traffic(rng: np.random.Generator, street: Street, feature: str, start: float) -> list[Item]:
    """Two driving lanes and, if there is room, two rows of parked cars."""
    oncoming, ahead = 0.4 * street.left - 0.3, min(1.0, street.right - 1.7)
    items = _lane(rng, 'oncoming', oncoming, TOWARDS, max(rng.uniform(6, 16), start),
                  feature if feature in ('tram', 'bus') else None)
    items += _lane(rng, 'ahead', ahead + rng.uniform(-.2, .3), AWAY, max(rng.uniform(9, 22), start),
                   feature if feature in ('truck', 'cyclist', 'motorcyclist') else None)
    if street.left < -5.7 and rng.random() < 0.75:
        items += _lane(rng, 'parked', street.left + 1.1, TOWARDS, rng.uniform(3.5, 12))
    if street.right > 3.9 and rng.random() < 0.75:
        items += _lane(rng, 'parked', street.right - 1.1, AWAY, rng.uniform(3.5, 12))
    if rng.random() < 0.25:
        z, heading = rng.uniform(14, 35), rng.choice([0.0, np.pi])
        items.append(_vehicle(rng, 'car', rng.uniform(-6, 4), z, heading))
    return items


def _lane(rng: np.random.Generator, lane: str, x: float, heading: float, z: float,
          first: Optional[str] = None) -> list[Item]:
    """Vehicles in a row from ``z`` on. If ``first`` is given, the first is of this kind."""
    items, kinds = [], list(LENGTHS)
    while z < 75:
        kind = first or kinds[rng.choice(len(kinds), p=SHARES[lane])]
        first = None
        items.append(_vehicle(rng, kind, x, z, heading))
        z += LENGTHS[kind] + (rng.uniform(0.7, 5.0) if lane == 'parked' else rng.uniform(5, 28))
    return items


def _vehicle(rng: np.random.Generator, kind: str, x: float, z: float, heading: float) -> Item:
    """A vehicle whose near end is at ``z``."""
    if kind in ('cyclist', 'motorcyclist'):
        cycle = draw_bicycle if kind == 'cyclist' else draw_motorcycle
        x, side_view = x + rng.uniform(-1, 1), rng.random() < 0.35
        return z, lambda sketch, rng: cycle(sketch, rng, x, z, side_view, rider=True)
    draw = {'car': vehicles.draw_car, 'truck': vehicles.draw_truck, 'bus': vehicles.draw_bus,
            'tram': vehicles.draw_tram}[kind]
    frame = Frame(x, z + LENGTHS[kind] / 2 * abs(np.sin(heading)), heading + rng.normal(0, 0.04))
    return z, lambda sketch, rng: draw(sketch, rng, frame)


def _person(x: float, z: float) -> Item:
    return z, lambda sketch, rng: draw_person(sketch, rng, x, z)


def _people(rng: np.random.Generator, street: Street, crossing: Optional[float]) -> list[Item]:
    """Groups on the sidewalks. Some people, and a cyclist, cross the road at ``crossing``."""
    items = []
    for side in (-1, 1):
        for _ in range(rng.integers(1, 5)):
            z, x = rng.uniform(5, 38), street.walk(side, rng.uniform(0.15, 0.95))
            items += [_person(x + 0.65 * step * side, z + rng.uniform(-.5, .5))
                      for step in range(rng.choice([1, 1, 2, 3]))]
    if crossing is not None:
        items += [_person(rng.uniform(street.left, street.right), crossing + rng.uniform(-1, 1))
                  for _ in range(rng.integers(1, 5))]
        x, z = rng.uniform(-5, 4), crossing + 2
        items.append((z, lambda sketch, rng: draw_bicycle(sketch, rng, x, z, True, rider=True)))
    return items


def _parked_cycles(rng: np.random.Generator, street: Street, feature: str) -> list[Item]:
    items = []
    for kind, draw, most in (('parked_bicycles', draw_bicycle, 4),
                             ('parked_motorcycles', draw_motorcycle, 2)):
        if feature != kind and rng.random() > 0.35:
            continue
        x, z = street.walk(int(rng.choice([-1, 1])), rng.uniform(0.2, 0.8)), rng.uniform(6, 14)
        items += [_parked_cycle(draw, x + rng.uniform(-.2, .2), z + 0.9 * i, rng.random() < 0.75)
                  for i in range(rng.integers(1, most + 1))]
    return items


def _parked_cycle(draw: Callable[..., None], x: float, z: float, side_view: bool) -> Item:
    return z, lambda sketch, rng: draw(sketch, rng, x, z, side_view, rider=False)


def _post(draw: Callable[..., None], x: float, z: float, *more: float) -> Item:
    return z, lambda sketch, rng: draw(sketch, rng, x, z, *more)


def _posts(rng: np.random.Generator, street: Street, side: int) -> list[Item]:
    """Lamp posts in a row, a traffic light, a few signs, a bin."""
    curb = street.walk(side, 0.12)
    items = [_post(roadside.draw_lamp_post, curb, z, -side)
             for z in np.arange(rng.uniform(6, 16), 80, rng.uniform(14, 24))]
    if rng.random() < 0.65:
        items.append(_post(roadside.draw_traffic_light, curb, rng.uniform(10, 30), -side))
    items += [_post(roadside.draw_sign, street.walk(side, 0.2), rng.uniform(7, 32))
              for _ in range(rng.integers(1, 4))]
    if rng.random() < 0.35:
        items.append(_post(roadside.draw_bin, street.walk(side, 0.9), rng.uniform(6, 25)))
    return items


def _greenery(rng: np.random.Generator, street: Street, side: int) -> list[Item]:
    """A row of street trees, on some streets."""
    if rng.random() > 0.45:
        return []
    x = side * (street.edge(side) - 0.6)
    return [_post(roadside.draw_tree, x, z, rng.uniform(.7, 1.0))
            for z in np.arange(rng.uniform(7, 14), 80, rng.uniform(8, 14))]


def _railing(rng: np.random.Generator, street: Street, side: int) -> list[Item]:
    """A railing along the curb of some streets, in pieces, so that things may stand between."""
    if rng.random() > 0.2:
        return []
    start, x = rng.uniform(5, 20), street.walk(side, 0.05)
    return [_post(roadside.draw_railing, x, near, near + 3.0)
            for near in np.arange(start, start + rng.uniform(6, 20), 3.0)]
