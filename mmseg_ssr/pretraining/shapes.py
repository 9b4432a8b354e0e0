"""Masks sorted by shape, which stands for the kind of an object without its name.

The description of an object holds a few numbers and two small pictures of the same size: its mask,
and the seams between its parts. K-means sorts these descriptions into kinds. Neither step sees a
class name, a color or a material.
"""
import cv2
import numpy as np

SIDE = 12  # side of the small pictures
NUMBERS = 7
COMPONENTS = 12  # principal components kept of each picture
PICTURE_WEIGHT = 2.0  # relative to one of the numbers
DRAWN = 40000  # number of objects that determine the centers
ROUNDS = 40


def describe(objects: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Describe the masks of one picture.

    Args:
        objects: H x W, object numbers.
        parts: H x W, numbers of the objects' parts.

    Returns:
        float32, M x (7 + 2 * 72), in the order of ``np.unique(objects)``. The 7 numbers are the
        logarithms of height and width in pixels, the covered share of the bounding box, the upper
        and lower end in shares of H, the logarithm of the number of parts, and the share of
        seams. Half of the mask's and of the seams' picture follow, 12 x 6 each. They are means of
        both halves, so an object and its mirror image are alike.
    """
    numbers = np.unique(objects)
    seams = _seams(parts)
    found = [_describe(objects == number, parts, seams) for number in numbers]
    return np.stack(found)


def _describe(mask: np.ndarray, parts: np.ndarray, seams: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    inside = mask[place].astype(np.float32)
    seamed = inside * seams[place]
    height, width = inside.shape
    pictures = [_half_picture(inside), _half_picture(seamed)]
    numbers = [np.log(height), np.log(width), inside.mean(), rows[0] / len(mask),
               (rows[-1] + 1) / len(mask), np.log(len(np.unique(parts[mask]))), seamed.mean()]
    return np.concatenate([numbers, *pictures]).astype(np.float32)


def _seams(parts: np.ndarray) -> np.ndarray:
    """1 where the part differs from that of the left or upper pixel, H x W."""
    seams = np.zeros(parts.shape, np.float32)
    seams[:, 1:][parts[:, 1:] != parts[:, :-1]] = 1
    seams[1:][parts[1:] != parts[:-1]] = 1
    return seams


def _half_picture(picture: np.ndarray) -> np.ndarray:
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return (small + small[:, ::-1])[:, :SIDE // 2].ravel() / 2


def sort_into_kinds(descriptions: np.ndarray, kinds: int, seed: int = 0) -> np.ndarray:
    """Sort the descriptions of many objects with K-means.

    The centers are computed on objects drawn by the root of their area. So neither the many small
    objects nor the few large ones decide alone.

    Args:
        descriptions: M x F, result of :func:`describe`.
        kinds: number of kinds, at most M.
        seed: seed of the drawn objects and the first centers.

    Returns:
        int64, M, in 0..kinds - 1.
    """
    points = _points(descriptions)
    height, width, covered = descriptions[:, :3].T.astype(float)
    weights = np.sqrt(np.exp(height + width) * covered)
    drawn = np.random.default_rng(seed).choice(len(points), DRAWN, p=weights / weights.sum())
    cv2.setRNGSeed(seed)
    criteria = (cv2.TERM_CRITERIA_MAX_ITER, ROUNDS, 0)
    _, _, centers = cv2.kmeans(points[drawn], kinds, None, criteria, 1, cv2.KMEANS_PP_CENTERS)
    distances = np.square(centers).sum(axis=1) - 2 * points @ centers.T
    return distances.argmin(axis=1)


def _points(descriptions: np.ndarray) -> np.ndarray:
    """Numbers with variance 1, and the principal components of both pictures."""
    numbers, pictures = descriptions[:, :NUMBERS], descriptions[:, NUMBERS:]
    scaled = (numbers - numbers.mean(axis=0)) / np.maximum(numbers.std(axis=0), 1e-3)
    columns = [scaled]
    for picture in np.split(pictures, 2, axis=1):
        mean, axes = cv2.PCACompute(picture, None, maxComponents=COMPONENTS)
        components = cv2.PCAProject(picture, mean, axes)
        columns.append(PICTURE_WEIGHT * components / max(components[:, 0].std(), 1e-3))
    return np.concatenate(columns, axis=1).astype(np.float32)
