"""The frontage on either side of a street: buildings, walls, fences, hedges and open ground."""
from dataclasses import dataclass

import numpy as np

from ..labels import Label
from ..sketch import Pen, Plane, Sketch, ground_strip, rectangle
from .roadside import draw_bush, draw_pickets, draw_tree

DETAIL = 45.0  # meters up to which single windows are drawn. Farther ones merge into bands
GROUND_FLOOR = 3.4  # meters


@dataclass(frozen=True)
class Plot:
    """A stretch of frontage.

    Attributes:
        side: -1 left, +1 right.
        edge: |x| of the front, meters.
        near, far: z where it begins and ends, meters.
    """

    side: int
    edge: float
    near: float
    far: float

    @property
    def front(self) -> Plane:
        """The plane facing the street. Its first coordinate is z."""
        return Plane(self.side * self.edge, 0.0, np.pi / 2)

    @property
    def end(self) -> Plane:
        """The plane facing the camera. Its first coordinate is |x|, counted from the front."""
        return Plane(self.side * self.edge, self.near, 0.0 if self.side > 0 else np.pi)

    @property
    def shade(self) -> float:
        """Brightness of the front: the light comes from the left."""
        return 0.88 + 0.1 * self.side


def draw_building(sketch: Sketch, rng: np.random.Generator, plot: Plot) -> None:
    """Draw a house: end wall, roof, front with storys of windows, ground floor."""
    sketch.begin()
    floors, story, tone = int(rng.integers(1, 5)), rng.uniform(2.8, 3.3), rng.random()
    height, depth = GROUND_FLOOR + story * floors + 0.6, 10.0
    front = Pen(sketch, plot.front, Label.BUILDING, tone)
    end = Pen(sketch, plot.end, Label.BUILDING, tone)
    end(rectangle(0, 0, depth, height), 'facade', 0.78)
    if rng.random() < 0.6:
        ridge = height + rng.uniform(1.5, 3.0)
        end([(0, height), (3, ridge), (depth, height)], 'facade', 0.74)
        low, high = plot.edge, plot.edge + 3
        roof = np.array([[low, height, plot.near], [low, height, plot.far],
                         [high, ridge, plot.far], [high, ridge, plot.near]])
        sketch.add(roof * (plot.side, 1, 1), Label.BUILDING, 'roof', tone, plot.shade)
    front(rectangle(plot.near, 0, plot.far, height), 'facade', plot.shade)
    front(rectangle(plot.near, height - 0.35, plot.far, height), 'ledge', plot.shade)
    _draw_windows(front, rng, plot, floors, story)
    if rng.random() < 0.5:
        _draw_shops(front, rng, plot)
    else:
        _draw_doors(front, rng, plot)


def _draw_windows(front: Pen, rng: np.random.Generator, plot: Plot, floors: int,
                  story: float) -> None:
    bays = max(int((plot.far - plot.near) / rng.uniform(2.2, 3.2)), 1)
    width = (plot.far - plot.near) / bays
    for floor in range(floors):
        low = GROUND_FLOOR + floor * story + 0.5
        high = low + 0.75 * story - 0.5
        if plot.near > DETAIL:
            front(rectangle(plot.near + 1, low, plot.far - 1, high), 'window', 1.2)
            continue
        for left in plot.near + (np.arange(bays) + 0.24) * width:
            right = left + 0.52 * width
            front(rectangle(left - 0.12, low - 0.15, right + 0.12, high + 0.1), 'ledge', plot.shade)
            front(rectangle(left, low, right, high), 'window', tone=rng.random())


def _draw_shops(front: Pen, rng: np.random.Generator, plot: Plot) -> None:
    front(rectangle(plot.near + 0.4, 0.5, plot.far - 0.4, 2.6), 'shop')
    front(rectangle(plot.near + 0.2, 2.6, plot.far - 0.2, 3.2), 'awning', tone=rng.random())
    for pier in np.arange(plot.near + 0.4, plot.far, 3.5):
        front(rectangle(pier - 0.2, 0, pier + 0.2, 2.6), 'facade', plot.shade)


def _draw_doors(front: Pen, rng: np.random.Generator, plot: Plot) -> None:
    front(rectangle(plot.near, 0, plot.far, 0.6), 'ledge', 0.7)
    for left in np.arange(plot.near + 0.8, plot.far - 1.5, 2.8):
        low, material = (0.0, 'door') if rng.random() < 0.3 else (1.0, 'window')
        front(rectangle(left, low, left + 1.2, 2.5), material, tone=rng.random())


def draw_wall(sketch: Sketch, rng: np.random.Generator, plot: Plot) -> None:
    """Draw a free-standing wall, 1.8 to 3.2 m high, with courses, piers and a coping."""
    sketch.begin()
    height, tone = rng.uniform(1.8, 3.2), rng.random()
    front = Pen(sketch, plot.front, Label.WALL, tone)
    Pen(sketch, plot.end, Label.WALL, tone)(rectangle(0, 0, 0.5, height), 'wall', 0.75)
    front(rectangle(plot.near, 0, plot.far, height), 'wall', plot.shade)
    for low in np.arange(0.45, height - 0.3, 0.45):
        front(rectangle(plot.near, low, plot.far, low + 0.07), 'joint')
    for pier in np.arange(plot.near, plot.far, 4.0):
        front(rectangle(pier, 0, pier + 0.5, height), 'wall', 0.8)
    front(rectangle(plot.near, height - 0.2, plot.far, height + 0.06), 'coping')


def draw_fence(sketch: Sketch, rng: np.random.Generator, plot: Plot) -> None:
    """Draw a garden or site fence, 1.2 to 2.2 m high."""
    sketch.begin()
    pen = Pen(sketch, plot.front, Label.FENCE, rng.random())
    draw_pickets(pen, plot.near, plot.far, rng.uniform(1.2, 2.2))


def draw_hedge(sketch: Sketch, rng: np.random.Generator, plot: Plot) -> None:
    """Draw a hedge as a row of bushes."""
    for z in np.arange(plot.far, plot.near, -1.6):
        draw_bush(sketch, rng, plot.side * (plot.edge + 0.5), z, 1.2, rng.uniform(1.4, 2.0))


def draw_yard(sketch: Sketch, rng: np.random.Generator, plot: Plot) -> None:
    """Draw the ground behind a low frontage: trees, or only the sky."""
    if rng.random() < 0.75:
        for z in np.arange(plot.far - 1, plot.near, -rng.uniform(3.0, 6.0)):
            x = plot.side * (plot.edge + rng.uniform(3, 9))
            draw_tree(sketch, rng, x, z, rng.uniform(1.0, 1.7))


def draw_side_street(sketch: Sketch, plot: Plot, curb: float) -> None:
    """Draw the mouth of a side street, from the ``curb`` (|x| of the road's edge) outwards."""
    sketch.begin()
    left, right = sorted((plot.side * curb, plot.side * (plot.edge + 40)))
    surface = ground_strip(left, right, plot.near + 0.5, plot.far - 0.5)
    sketch.add(surface, Label.ROAD, 'asphalt')
