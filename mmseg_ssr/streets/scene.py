"""A street scene as a list of things to draw, in world coordinates, the same for every look.

:func:`make_scene` draws the sky, the ground and the frontage first. Then it draws everything that
stands or moves on the street from far to near, so that nearer things cover farther ones.
"""
from dataclasses import dataclass

import numpy as np

from . import occupants
from .camera import NEAR, Camera
from .labels import Label
from .occupants import Street
from .sketch import Part, Pen, Plane, Sketch, ellipse, ground_strip, rectangle
from .things import frontage, roadside

FAR = 110.0  # meters to the end of the street

#: Things that are rare on streets. Scene number i always holds number i modulo their count, so
#: that even a small data set shows every class.
FEATURES = ('tram', 'motorcyclist', 'bus', 'wall', 'cyclist', 'truck', 'fence',
            'parked_motorcycles', 'parked_bicycles', 'crossing')

#: Share of each kind of frontage, on a town street and on a suburban one.
TOWN = {'building': .54, 'wall': .11, 'fence': .12, 'hedge': .07, 'open': .08, 'side_street': .08}
SUBURB = {'building': .25, 'wall': .22, 'fence': .24, 'hedge': .12, 'open': .12, 'side_street': .05}


@dataclass(frozen=True)
class Scene:
    """The content of one picture.

    Attributes:
        camera: the camera that sees the scene.
        parts: polygons in drawing order.
        shadows: polygons on the ground (N x 3 each), for looks that have shadows.
        bonnet: whether the ego vehicle's bonnet covers the bottom of the picture.
    """

    camera: Camera
    parts: list[Part]
    shadows: list[np.ndarray]
    bonnet: bool


def make_scene(rng: np.random.Generator, number: int = 0, bonnet: bool = False) -> Scene:
    """Lay out a random street.

    Args:
        rng: source of all random decisions.
        number: position in the data set. It selects the one of FEATURES that is always there.
        bonnet: whether the ego vehicle's bonnet is visible.
    """
    camera = Camera(height=rng.uniform(1.4, 1.8), focal=rng.uniform(0.72, 0.92),
                    center=rng.uniform(0.4, 0.6), horizon=rng.uniform(0.38, 0.47))
    feature = FEATURES[number % len(FEATURES)]
    street = Street.random(rng)
    sketch = Sketch()
    _draw_sky(sketch, rng)
    _draw_ground(sketch, rng, street)
    _draw_backdrop(sketch, rng)
    for side in (-1, 1):
        _draw_frontage(sketch, rng, street, side, feature)
    for _, draw in sorted(occupants.choose(rng, street, feature), key=lambda item: -item[0]):
        draw(sketch, rng)
    return Scene(camera, sketch.parts, sketch.shadows, bonnet)


def _draw_sky(sketch: Sketch, rng: np.random.Generator) -> None:
    sketch.begin()
    pen = Pen(sketch, Plane(0.0, 1000.0), Label.SKY)
    pen(rectangle(-3000, -50, 3000, 3000), 'sky')
    for _ in range(rng.integers(0, 5)):
        x, y = rng.uniform(-700, 700), rng.uniform(120, 500)
        for dx, dy in rng.normal(0, 1, (5, 2)):
            pen(ellipse(x + 60 * dx, y + 12 * dy, rng.uniform(40, 90), 18), 'cloud')


def _draw_ground(sketch: Sketch, rng: np.random.Generator, street: Street) -> None:
    sketch.begin()
    sketch.add(ground_strip(-400, 400, NEAR, 600), Label.TERRAIN, 'grass', rng.random())
    for side in (-1, 1):
        sketch.begin()
        curb, edge, tone = street.walk(side, 0.0), street.walk(side, 1.0), rng.random()
        sketch.add(ground_strip(curb, edge, NEAR, FAR), Label.SIDEWALK, 'paving', tone)
        for z in np.arange(3.0, 30.0, 2.0):  # joints between slabs
            sketch.add(ground_strip(curb, edge, z, z + 0.06), Label.SIDEWALK, 'joint', tone)
        stone = ground_strip(curb, curb + side * 0.25, NEAR, FAR)
        sketch.add(stone, Label.SIDEWALK, 'curb', tone)
    sketch.begin()
    surface = ground_strip(street.left, street.right, NEAR, FAR)
    sketch.add(surface, Label.ROAD, 'asphalt', rng.random())
    for stripe in _markings(rng, street):
        sketch.add(stripe, Label.ROAD, 'marking')
    if rng.random() < 0.4:  # a mended patch
        x, z = rng.uniform(street.left + 1, street.right - 1), rng.uniform(5, 14)
        sketch.add(ground_strip(x, x + 0.7, z, z + 0.7), Label.ROAD, 'joint')


def _markings(rng: np.random.Generator, street: Street) -> list[np.ndarray]:
    """Center line, edge lines and a crossing, each on some streets only."""
    stripes, center = [], -rng.uniform(1.4, 2.0)
    if rng.random() < 0.85:
        stripes += [ground_strip(center - 0.08, center + 0.08, z, z + 3.0)
                    for z in np.arange(rng.uniform(1, 5), 70, 6.0)]
    if rng.random() < 0.4:
        stripes += [ground_strip(x - 0.07, x + 0.07, NEAR, 70)
                    for x in (street.left + 0.4, street.right - 0.4)]
    if rng.random() < 0.3:
        z = rng.uniform(8, 22)
        stripes += [ground_strip(x, x + 0.5, z, z + 3.0)
                    for x in np.arange(street.left + 0.3, street.right - 0.5, 1.0)]
    return stripes


def _draw_backdrop(sketch: Sketch, rng: np.random.Generator) -> None:
    """Close the street at its end with houses and trees."""
    x = -110.0
    while x < 110.0:
        width, height = rng.uniform(12, 30), rng.uniform(7, 18)
        if rng.random() < 0.5:
            sketch.begin()
            pen = Pen(sketch, Plane(x, FAR + 20), Label.BUILDING, rng.random())
            pen(rectangle(0, 0, width, height), 'facade')
            for y in np.arange(3.5, height - 1.5, 3.2):
                pen(rectangle(1, y, width - 1, y + 1.4), 'window', 1.2)
        else:
            for step in np.arange(0, width, 5.0):
                z = FAR + 15 + rng.uniform(-4, 4)
                roadside.draw_tree(sketch, rng, x + step, z, rng.uniform(1.2, 2.0))
        x += width


def _draw_frontage(sketch: Sketch, rng: np.random.Generator, street: Street, side: int,
                   feature: str) -> None:
    """Line one side of the street with plots, drawn from far to near."""
    shares = TOWN if rng.random() < 0.6 else SUBURB
    plots, z = [], rng.uniform(-8.0, 1.0)
    while z < FAR:
        kind = list(shares)[rng.choice(len(shares), p=list(shares.values()))]
        length = rng.uniform(9, 20) if kind != 'side_street' else rng.uniform(7, 10)
        if side > 0 and feature in ('wall', 'fence') and z < 14 <= z + length:
            kind = feature
        near = max(z, NEAR + 1.0)
        if z + length > near + 0.5:
            plots.append((kind, frontage.Plot(side, street.edge(side), near, z + length)))
        z += length
    for kind, plot in reversed(plots):
        _draw_plot(sketch, rng, kind, plot, street.curb(side))


def _draw_plot(sketch: Sketch, rng: np.random.Generator, kind: str, plot: frontage.Plot,
               curb: float) -> None:
    if kind == 'side_street':
        frontage.draw_side_street(sketch, plot, curb)
        return
    if kind == 'building':
        frontage.draw_building(sketch, rng, plot)
        return
    frontage.draw_yard(sketch, rng, plot)
    if kind != 'open':
        draw = {'wall': frontage.draw_wall, 'fence': frontage.draw_fence,
                'hedge': frontage.draw_hedge}[kind]
        draw(sketch, rng, plot)
