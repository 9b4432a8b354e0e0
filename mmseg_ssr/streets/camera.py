"""Pinhole camera above a flat street.

World coordinates are in meters: x to the right, y up (0 is the ground), z forward from the camera.
Image coordinates are in pixels: u to the right, v down, (0, 0) at the corner of the first pixel.
"""
from dataclasses import dataclass

import numpy as np

NEAR = 0.8  # meters. Nothing is drawn closer than this


@dataclass(frozen=True)
class Camera:
    """Camera that looks along z. Lengths in the image are fractions, so any image size fits.

    Args:
        height: meters above the ground.
        focal: focal length as a fraction of the image width.
        center: column of the vanishing point as a fraction of the image width.
        horizon: row of the horizon as a fraction of the image height.
    """

    height: float = 1.5
    focal: float = 0.8
    center: float = 0.5
    horizon: float = 0.42

    def project(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Map world points (N x 3) to pixels (N x 2) of an image of ``size`` = (width, height)."""
        width, height = size
        scale = self.focal * width / np.maximum(points[:, 2], NEAR)
        u = self.center * width + scale * points[:, 0]
        v = self.horizon * height + scale * (self.height - points[:, 1])
        return np.stack([u, v], axis=1)

    def ground(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """World x and z (each height x width, float32) of the ground seen at each pixel.

        Rows on and above the horizon get the values of the row just below it.
        """
        width, height = size
        below = np.arange(height, dtype=np.float32) + 0.5 - self.horizon * height
        z = self.focal * width * self.height / np.maximum(below, 0.5)
        across = (np.arange(width, dtype=np.float32) + 0.5 - self.center * width)
        x = across[None] * (z / (self.focal * width))[:, None]
        return x.astype(np.float32), np.broadcast_to(z[:, None], x.shape).astype(np.float32)
