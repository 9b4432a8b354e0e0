"""Things beside the road: trees, lamp posts, traffic lights and signs, bins, railings."""
import numpy as np

from ..labels import Label
from ..sketch import Pen, Plane, Sketch, bar, ellipse, rectangle


def draw_tree(sketch: Sketch, rng: np.random.Generator, x: float, z: float,
              scale: float = 1.0) -> None:
    """Draw a broad-leaved tree or a conifer, 4 to 9 m tall times ``scale``."""
    sketch.begin()
    pen = Pen(sketch, Plane(x, z, 0.0, scale), Label.VEGETATION, rng.random())
    trunk, radius = rng.uniform(1.6, 2.6), rng.uniform(1.3, 2.3)
    pen(bar((0, 0), (rng.uniform(-.15, .15), trunk + 1), 0.34), 'trunk')
    if rng.random() < 0.25:
        for tier in range(4):
            low, half = 0.9 + 1.5 * tier, 1.9 - 0.4 * tier
            pen([(-half, low), (half, low), (0, low + 2.6)], 'leaf', 0.8 + 0.07 * tier)
    else:
        _draw_foliage(pen, rng, trunk + radius, radius, radius * rng.uniform(.9, 1.3),
                      lumps=16 if z < 40 else 8)
    sketch.shadow(x, z, 1.4 * scale, 1.0 * scale, stretch=3.0)


def draw_bush(sketch: Sketch, rng: np.random.Generator, x: float, z: float,
              half_width: float = 0.9, height: float = 1.3) -> None:
    """Draw a bush of the given size in meters."""
    sketch.begin()
    pen = Pen(sketch, Plane(x, z), Label.VEGETATION, rng.random())
    _draw_foliage(pen, rng, height * 0.45, half_width, height * 0.55, lumps=9)


def _draw_foliage(pen: Pen, rng: np.random.Generator, y: float, half_width: float,
                  half_height: float, lumps: int) -> None:
    """Draw overlapping lumps of leaves around (0, y), darker below, lighter above."""
    extent = np.array([half_width, half_height])
    lift = np.sort(rng.uniform(-1, 1, lumps))
    across = np.sqrt(1 - 0.8 * lift ** 2) * rng.uniform(-1, 1, lumps)
    centers = 0.75 * extent * np.stack([across, lift], axis=1) + (0, y)
    sizes, dents = rng.uniform(0.35, 0.6, lumps), rng.normal(0, 0.06 * half_width, (lumps, 9, 2))
    for i in range(lumps):
        lump = ellipse(*centers[i], *(extent * sizes[i]), corners=9)
        pen(lump + dents[i], 'leaf', 0.72 + 0.4 * i / lumps)


def draw_lamp_post(sketch: Sketch, rng: np.random.Generator, x: float, z: float,
                   inward: float) -> None:
    """Draw a post with a lamp on an arm that reaches ``inward`` (+1 right, -1 left)."""
    sketch.begin()
    pen = Pen(sketch, Plane(x, z), Label.POLE, rng.random())
    height, arm = rng.uniform(5.0, 7.5), inward * rng.uniform(1.0, 2.0)
    pen(rectangle(-0.1, 0, 0.1, height), 'steel')
    pen(rectangle(-0.16, 0, 0.16, 0.9), 'steel', 0.85)
    pen(bar((0, height), (arm, height + 0.25), 0.13), 'steel')
    pen(bar((arm, height + 0.25), (arm * 1.45, height + 0.28), 0.24), 'steel')
    sketch.shadow(x, z, 0.1, 0.1, stretch=2.0)


def draw_traffic_light(sketch: Sketch, rng: np.random.Generator, x: float, z: float,
                       inward: float) -> None:
    """Draw a post with one head, or with one at eye level and one on an arm over the road."""
    sketch.begin()
    plane, tone, lit = Plane(x, z), rng.random(), rng.integers(3)
    post = Pen(sketch, plane, Label.POLE, tone)
    heads = [(0.0, 2.5)]
    if rng.random() < 0.55:
        reach = inward * rng.uniform(2.0, 3.5)
        post(rectangle(-0.1, 0, 0.1, 5.4), 'steel')
        post(bar((0, 5.3), (reach, 5.3), 0.14), 'steel')
        heads.append((reach, 4.6))
    else:
        post(rectangle(-0.09, 0, 0.09, 2.7), 'steel')
    head = Pen(sketch, plane, Label.TRAFFIC_LIGHT, tone)
    for s, low in heads:
        sketch.begin()
        head(rectangle(s - 0.24, low, s + 0.24, low + 1.25), 'housing')
        for i, color in enumerate(('green', 'amber', 'red')):
            head(ellipse(s, low + 0.24 + 0.38 * i, 0.15, 0.15, 8), color if i == lit else 'lens')


def draw_sign(sketch: Sketch, rng: np.random.Generator, x: float, z: float) -> None:
    """Draw a pole with a traffic sign: a disc, ring, triangle, octagon or direction board."""
    sketch.begin()
    plane, tone = Plane(x, z), rng.random()
    size, face = rng.uniform(0.42, 0.6), FACES[rng.integers(len(FACES))]
    pole = Pen(sketch, plane, Label.POLE, tone)
    pole(rectangle(-0.06, 0, 0.06, 2.7), 'steel')
    if face is _board:
        pole(rectangle(0.7, 0, 0.82, 2.0), 'steel')
    sketch.begin()
    face(Pen(sketch, plane, Label.TRAFFIC_SIGN, tone), 2.75, size)


def _disc(pen: Pen, y: float, size: float) -> None:
    pen(ellipse(0, y, size, size, 14), 'sign_blue')
    pen(bar((-0.18, y - 0.18), (0.15, y + 0.15), 0.14), 'sign_white')


def _ring(pen: Pen, y: float, size: float) -> None:
    pen(ellipse(0, y, size, size, 14), 'sign_red')
    pen(ellipse(0, y, 0.68 * size, 0.68 * size, 14), 'sign_white')


def _triangle(pen: Pen, y: float, size: float) -> None:
    for share, material in ((1.0, 'sign_red'), (0.6, 'sign_white')):
        half, low, high = 1.1 * share * size, 0.6 * share * size, 1.25 * share * size
        pen([(-half, y - low), (half, y - low), (0, y + high)], material)


def _octagon(pen: Pen, y: float, size: float) -> None:
    pen(ellipse(0, y, size, size, 8), 'sign_red')
    pen(rectangle(-0.7 * size, y - 0.09, 0.7 * size, y + 0.09), 'sign_white')


def _board(pen: Pen, y: float, size: float) -> None:
    pen(rectangle(-0.2, y - 0.85, 1.0, y + 0.35), 'sign_blue')
    pen(rectangle(-0.05, y - 0.1, 0.85, y + 0.1), 'sign_white')
    pen(rectangle(-0.05, y - 0.6, 0.5, y - 0.4), 'sign_white')


FACES = (_disc, _ring, _triangle, _octagon, _board)


def draw_bin(sketch: Sketch, rng: np.random.Generator, x: float, z: float) -> None:
    """Draw a litter bin (static) or a handcart (dynamic). Neither is evaluated."""
    sketch.begin()
    plane, tone = Plane(x, z), rng.random()
    if rng.random() < 0.7:
        pen = Pen(sketch, plane, Label.STATIC, tone)
        pen(rectangle(-0.28, 0, 0.28, 0.95), 'bin')
        pen(rectangle(-0.32, 0.9, 0.32, 1.05), 'bin', 0.7)
        return
    pen = Pen(sketch, plane, Label.DYNAMIC, tone)
    pen(rectangle(-0.35, 0.25, 0.35, 0.7), 'bin')
    pen(bar((0.35, 0.65), (0.6, 1.0), 0.08), 'steel')
    for s in (-0.2, 0.2):
        pen(ellipse(s, 0.14, 0.14, 0.14, 8), 'tire')


def draw_railing(sketch: Sketch, rng: np.random.Generator, x: float, near: float,
                 far: float) -> None:
    """Draw a waist-high railing (class fence) along the curb from ``near`` to ``far``."""
    sketch.begin()
    draw_pickets(Pen(sketch, Plane(x, 0.0, np.pi / 2), Label.FENCE, rng.random()), near, far, 1.1)


def draw_pickets(pen: Pen, near: float, far: float, height: float) -> None:
    """Draw a fence from ``near`` to ``far``: the gaps, upright pickets, two rails, and posts."""
    pen(rectangle(near, 0.05, far, height), 'fence_gap')
    step = 0.5 if near < 25 else 1.2
    for s in np.arange(near, far - 0.1, step):
        pen(rectangle(s, 0.1, s + 0.42 * step, height * 0.97), 'fence')
    for low in (0.2, 0.85):
        pen(rectangle(near, low * height, far, (low + 0.1) * height), 'fence', 0.85)
    for s in np.arange(near, far, 3.0):
        pen(rectangle(s, 0, s + 0.16, height * 1.08), 'fence', 0.75)
