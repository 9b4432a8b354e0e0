"""From a raster and a look to a picture, in the order of light: surface, light, lens, sensor."""
import cv2
import numpy as np

from .look import Look
from .palettes import DEFAULT_ROUGHNESS, ROUGHNESS
from .raster import Raster
from .sketch import Part

_TILE = 256  # side in pixels of the noise square that textures are taken from
_GRAIN = 4  # size of its features, pixels
_PER_METER = 12.0  # texture pixels per meter of ground


def paint(raster: Raster, look: Look, rng: np.random.Generator) -> np.ndarray:
    """Paint the picture.

    Returns:
        The picture as uint8, H x W x 3, RGB.
    """
    height, width = raster.coarse.shape
    colors = _part_colors(raster.parts, look, rng)
    fine = np.take(colors, raster.fine).view(np.uint8).reshape(*raster.fine.shape, 4)
    image = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)[..., :3]
    image = image.astype(np.float32) / 255
    if look.texture:
        image *= _texture(raster, look, rng)[..., None]
    image *= _light(raster, look)[..., None]
    if look.haze:
        kept = np.exp(-look.haze * np.minimum(raster.depth, 150.0))[..., None]
        image = image * kept + np.float32(look.haze_color) * (1 - kept)
    return _sensor(_lens(image, look), look, rng)


def _part_colors(parts: list[Part], look: Look, rng: np.random.Generator) -> np.ndarray:
    """Color of each part, N, as a uint32 of four bytes. Parts of one object deviate alike."""
    stray = rng.normal(0, 255 * look.spread, (max(part.thing for part in parts) + 1, 3))
    colors = np.zeros((len(parts), 4))
    for i, part in enumerate(parts):
        choices = look.palette[part.material]
        shade = max(1 + look.shading * (part.shade - 1), 0.1)
        colors[i, :3] = shade * (choices[int(part.tone * len(choices))] + stray[part.thing])
    return np.clip(colors, 0, 255).astype(np.uint8).view(np.uint32)[:, 0]


def _texture(raster: Raster, look: Look, rng: np.random.Generator) -> np.ndarray:
    """Factor around 1 (H x W): noise in image space, and in perspective on the ground."""
    height, width = raster.coarse.shape
    tile, scale = _noise_tile(rng), 512.0 / width
    u = np.arange(width, dtype=np.float32)[None] * scale + rng.uniform(0, _TILE)
    v = np.arange(height, dtype=np.float32)[:, None] * scale + rng.uniform(0, _TILE)
    u = np.where(raster.on_ground, raster.ground_x * _PER_METER, u)
    v = np.where(raster.on_ground, raster.ground_z * _PER_METER, v)
    u, v = (np.mod(w * (_GRAIN / look.grain), _TILE).astype(np.float32) for w in (u, v))
    noise = cv2.remap(tile, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    rough = [ROUGHNESS.get(part.material, DEFAULT_ROUGHNESS) for part in raster.parts]
    return np.maximum(1 + look.texture * np.array(rough, np.float32)[raster.coarse] * noise, 0.05)


def _noise_tile(rng: np.random.Generator) -> np.ndarray:
    """A square of noise (float32, standard deviation 1) that repeats without a seam."""
    tile = np.zeros((_TILE, _TILE), np.float32)
    for cell, weight in ((2, 0.5), (_GRAIN, 1.0), (16, 0.9)):  # cell side in pixels
        cells = rng.standard_normal((_TILE // cell, _TILE // cell), dtype=np.float32)
        cells = np.pad(cells, 2, mode='wrap')
        fine = cv2.resize(cells, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)
        tile += weight * fine[2 * cell:-2 * cell, 2 * cell:-2 * cell]
    return tile / tile.std()


def _light(raster: Raster, look: Look) -> np.ndarray:
    """Factor (H x W): a slope across the picture, and shadows on the ground."""
    height, width = raster.coarse.shape
    slope = 1 + look.sun * np.linspace(-0.5, 0.5, width, dtype=np.float32)[None]
    soft = cv2.GaussianBlur(raster.shadow, (0, 0), max(width / 400, 0.3))
    return slope * (1 - look.shadow * soft * raster.on_ground)


def _lens(image: np.ndarray, look: Look) -> np.ndarray:
    height, width = image.shape[:2]
    if look.vignette:
        u = np.linspace(-1, 1, width, dtype=np.float32)[None]
        v = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        image = image * (1 - look.vignette * (u * u + v * v) / 2)[..., None]
    sigma = look.blur * width / 512
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.2 else image


def _sensor(image: np.ndarray, look: Look, rng: np.random.Generator) -> np.ndarray:
    image = image * (look.exposure * np.float32(look.white_balance))
    gray = image.mean(axis=2, keepdims=True)
    image = gray + look.saturation * (image - gray)
    image = np.clip(0.5 + look.contrast * (image - 0.5), 0, 1)
    image = cv2.pow(image, look.gamma) if look.gamma != 1 else image
    if look.noise:
        image = image + look.noise * rng.standard_normal(image.shape, dtype=np.float32)
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
