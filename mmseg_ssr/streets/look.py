"""Looks: all differences between two pictures of the same scene.

The source domain has the *game* look, the target domain the *camera* look. :func:`random_look`
draws others, which differ from each other as much as from those two.
"""
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .palettes import CAMERA, GAME, Palette

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """Parameters of :func:`.painter.paint`. Colors are RGB in [0, 1] unless said otherwise.

    Args:
        palette: colors of the materials (0..255).
        spread: standard deviation of a part's color from the palette, in [0, 1].
        shading: 0 paints all faces alike, 1 shades them by direction, higher values exaggerate.
        texture: strength of the surface texture. 0 is flat paint.
        grain: size of the texture in pixels of a 512 pixel wide image.
        shadow: darkness of ground shadows, in [0, 1].
        sun: signed strength of a brightness slope across the picture.
        haze: rate per meter at which ``haze_color`` takes the place of a color.
        exposure, contrast, saturation: factors, 1 changes nothing.
        white_balance: factor for each channel.
        gamma: exponent of the tone curve. A value above 1 darkens.
        vignette: darkening at the corners, in [0, 1].
        blur: standard deviation in pixels of a 512 pixel wide image.
        noise: standard deviation of the pixel noise, in [0, 1].
    """

    palette: Palette
    spread: float = 0.02
    shading: float = 0.6
    texture: float = 0.0
    grain: float = 4.0
    shadow: float = 0.25
    sun: float = 0.0
    haze: float = 0.0
    haze_color: Triple = (0.8, 0.82, 0.85)
    exposure: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    white_balance: Triple = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    vignette: float = 0.0
    blur: float = 0.0
    noise: float = 0.0


LookMaker = Callable[[np.random.Generator], Look]


def game_look(rng: np.random.Generator) -> Look:
    """The source domain: clean, saturated, flat light. The time of day and the weather vary."""
    warmth = rng.uniform(-0.05, 0.05)
    return Look(palette=GAME, spread=0.04, shading=0.8, texture=rng.uniform(0.02, 0.08),
                shadow=rng.uniform(0.1, 0.3), haze=rng.uniform(0.0, 0.003),
                exposure=rng.uniform(0.75, 1.1), contrast=rng.uniform(0.95, 1.1),
                saturation=rng.uniform(0.85, 1.2), gamma=rng.uniform(0.9, 1.15),
                white_balance=(1 + warmth, 1.0, 1 - warmth), noise=rng.uniform(0.0, 0.01))


def camera_look(rng: np.random.Generator) -> Look:
    """The target domain: textured, hazy, cool, vignetted, blurred and noisy, with hard shadows."""
    warmth = rng.uniform(-0.04, 0.05)
    return Look(palette=CAMERA, spread=0.04, shading=1.4, texture=rng.uniform(0.14, 0.22),
                grain=rng.uniform(3.0, 6.0), shadow=rng.uniform(0.3, 0.5),
                sun=rng.uniform(-0.2, 0.2), haze=rng.uniform(0.004, 0.008),
                haze_color=(0.76, 0.80, 0.78), exposure=rng.uniform(0.85, 1.1),
                contrast=rng.uniform(0.9, 1.1), saturation=rng.uniform(0.55, 0.8),
                white_balance=(0.86 + warmth, 1.0, 1.04 - warmth), gamma=rng.uniform(1.2, 1.5),
                vignette=rng.uniform(0.2, 0.4), blur=rng.uniform(0.7, 1.2),
                noise=rng.uniform(0.02, 0.04))


def fog_look(rng: np.random.Generator) -> Look:
    """The camera in fog: far things vanish."""
    return replace(camera_look(rng), haze=rng.uniform(0.03, 0.06), contrast=0.85, saturation=0.5,
                   haze_color=(0.78, 0.79, 0.80), shadow=0.05, sun=0.0)


def night_look(rng: np.random.Generator) -> Look:
    """The camera at night: dark, noisy, in the light of sodium lamps."""
    return replace(camera_look(rng), exposure=rng.uniform(0.45, 0.6), haze_color=(0.1, 0.09, 0.1),
                   white_balance=(1.15, 1.0, 0.75), gamma=1.2, noise=0.05, vignette=0.5, shadow=0.0)


def twilight_look(rng: np.random.Generator) -> Look:
    """The camera at dusk: between day and night."""
    return replace(camera_look(rng), exposure=0.55, white_balance=(0.9, 0.95, 1.15), shadow=0.1)


def rain_look(rng: np.random.Generator) -> Look:
    """The camera in rain: gray, blurred and without shadows."""
    return replace(camera_look(rng), saturation=0.45, contrast=0.8, blur=rng.uniform(1.4, 2.0),
                   haze=rng.uniform(0.01, 0.02), shadow=0.05, sun=0.0)


def snow_look(rng: np.random.Generator) -> Look:
    """The camera in snow: bright and pale. The ground keeps its colors, only paler."""
    return replace(camera_look(rng), exposure=rng.uniform(1.3, 1.5), saturation=0.35,
                   haze=rng.uniform(0.01, 0.02), haze_color=(0.95, 0.96, 0.98), shadow=0.1)


#: The looks of ACDC's conditions.
CONDITION_LOOKS = dict(fog=fog_look, night=night_look, rain=rain_look, snow=snow_look)


def random_look(rng: np.random.Generator) -> Look:
    """A look from a wide range, with its own colors, to train encoders on many domains.

    Every material keeps its number of colors. The colors are mixed from the source palette and
    from random ones. The target palette is not used.
    """
    strangeness = rng.uniform(0.2, 1.0)
    palette = {}
    for material, colors in GAME.items():
        known, foreign = np.array(colors, float), rng.uniform(20, 245, (len(colors), 3))
        mixed = (1 - strangeness) * known + strangeness * foreign
        palette[material] = [tuple(int(c) for c in color) for color in mixed]
    return Look(palette=palette, spread=rng.uniform(0.0, 0.08), shading=rng.uniform(0.3, 2.0),
                texture=rng.uniform(0.0, 0.4), grain=rng.uniform(1.5, 10.0),
                shadow=rng.uniform(0.0, 0.6), sun=rng.uniform(-0.4, 0.4),
                haze=rng.uniform(0.0, 0.012), haze_color=tuple(rng.uniform(0.4, 1.0, 3)),
                exposure=rng.uniform(0.6, 1.25), contrast=rng.uniform(0.7, 1.3),
                saturation=rng.uniform(0.2, 1.4), white_balance=tuple(rng.uniform(0.8, 1.2, 3)),
                gamma=rng.uniform(0.7, 1.5), vignette=rng.uniform(0.0, 0.5),
                blur=rng.uniform(0.0, 1.4), noise=rng.uniform(0.0, 0.07))
