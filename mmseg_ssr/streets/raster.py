"""From a scene to maps of the part seen at each pixel, and to the label image."""
from dataclasses import dataclass

import cv2
import numpy as np

from .labels import Label
from .scene import Scene
from .sketch import Part

SUPERSAMPLING = 2  # parts are drawn at this multiple of the image size
_FRACTION_BITS = 4
_GROUND = {Label.ROAD, Label.SIDEWALK, Label.TERRAIN}


@dataclass(frozen=True)
class Raster:
    """The content of each pixel of an image of height H and width W.

    Attributes:
        parts: the scene's parts and, if there is one, the bonnet. The maps index them.
        fine: int32, 2H x 2W, index of the part seen.
        coarse: int32, H x W, ``fine`` at every second row and column.
        depth: float32, H x W, meters along z.
        ground_x, ground_z: float32, H x W, meters, valid where ``on_ground``.
        on_ground: bool, H x W.
        shadow: float32, H x W, in [0, 1], ground shadow.
    """

    parts: list[Part]
    fine: np.ndarray
    coarse: np.ndarray
    depth: np.ndarray
    ground_x: np.ndarray
    ground_z: np.ndarray
    on_ground: np.ndarray
    shadow: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Label image, uint8, H x W, Cityscapes label ids."""
        return np.array([part.label for part in self.parts], np.uint8)[self.coarse]

    @property
    def things(self) -> np.ndarray:
        """Object numbers, int32, H x W, for class-agnostic masks."""
        return np.array([part.thing for part in self.parts], np.int32)[self.coarse]


def rasterize(scene: Scene, size: tuple[int, int]) -> Raster:
    """Draw the parts of a scene for an image of ``size`` = (width, height) pixels."""
    width, height = size
    fine_size = (width * SUPERSAMPLING, height * SUPERSAMPLING)
    fine = np.zeros(fine_size[::-1], np.int32)
    parts = list(scene.parts)
    polygons = _pixels(scene, [part.points for part in parts], fine_size)
    if scene.bonnet:
        polygons.append(_bonnet(fine_size))
        parts.append(Part(np.array([[0.0, 1.0, 1.0]]), int(Label.EGO_VEHICLE), 'bonnet', 0.5, 1.0,
                          parts[-1].thing + 1))
    for index, polygon in enumerate(polygons):
        cv2.fillPoly(fine, [polygon], float(index), shift=_FRACTION_BITS)
    coarse = np.ascontiguousarray(fine[::SUPERSAMPLING, ::SUPERSAMPLING])
    ground_x, ground_z = scene.camera.ground(size)
    flat = np.array([part.label in _GROUND for part in parts])
    on_ground = flat[coarse]
    depth = np.where(on_ground, ground_z, _mean_depths(parts)[coarse])
    return Raster(parts, fine, coarse, depth, ground_x, ground_z, on_ground, _shadow(scene, size))


def _pixels(scene: Scene, polygons: list[np.ndarray], size: tuple[int, int]) -> list[np.ndarray]:
    """Project all polygons at once, to fixed-point corners for OpenCV's ``shift``."""
    ends = np.cumsum([len(points) for points in polygons])
    pixels = scene.camera.project(np.concatenate(polygons), size)
    limit = 16.0 * max(size)
    fixed = np.round(np.clip(pixels, -limit, limit) * 2 ** _FRACTION_BITS).astype(np.int32)
    return [fixed[end - len(points):end] for points, end in zip(polygons, ends)]


def _mean_depths(parts: list[Part]) -> np.ndarray:
    """Mean z of the corners of each part (N, float32)."""
    counts = np.array([len(part.points) for part in parts])
    starts = np.cumsum(counts) - counts
    z = np.concatenate([part.points[:, 2] for part in parts])
    return (np.add.reduceat(z, starts) / counts).astype(np.float32)


def _bonnet(size: tuple[int, int]) -> np.ndarray:
    """Fixed-point corners of the ego vehicle's bonnet: a flat arch along the bottom."""
    width, height = size
    across = np.linspace(-0.05, 1.05, 33)
    top = 0.9 + 0.12 * (2 * across - 1) ** 4
    corners = np.stack([across * width, top * height], axis=1)
    bottom = [[1.05 * width, 1.1 * height], [-0.05 * width, 1.1 * height]]
    corners = np.concatenate([corners, bottom])
    return np.round(corners * 2 ** _FRACTION_BITS).astype(np.int32)


def _shadow(scene: Scene, size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size[::-1], np.uint8)
    if scene.shadows:
        for polygon in _pixels(scene, scene.shadows, size):
            cv2.fillPoly(mask, [polygon], 255, shift=_FRACTION_BITS)
    return mask.astype(np.float32) / 255
