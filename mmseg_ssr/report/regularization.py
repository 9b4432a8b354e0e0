"""Pictures of SSR's regularizer: its attention, and the differences between its two branches."""
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np
import torch
from mmseg.ops import resize
from torch import Tensor, nn

from ..engine.testing.regularized_branch import student_and_regularizer
from ..labels.ignore_index import IGNORE_INDEX
from ..uda.draws import Draws
from ..uda.student import full_precision, map_features, training_features
from .pictures import Strip, error_map, heat, label_picture, photograph
from .predictions import Checkpointed

#: Least share of the image that a class must fill to have a pixel chosen.
LEAST_SHARE = 0.002
POINTS = 3


class Branches(NamedTuple):
    """One image through both branches, at the size h x w that the network sees.

    Attributes:
        name: name of the image file.
        image: RGB, h x w x 3 uint8.
        truth: the label, h x w uint8, classes and 255.
        shadow, regularized: the classes of each branch, h x w.
        distance: total variation between the branches' probabilities, mean over pixels, in [0, 1].
            It is half the sum of the absolute differences over classes.
        points: (class, row, column) of the N pixels whose attention is shown.
        attention: stage -> attention over the encoder's map, N x h' x w', mean over heads. The
            map of each pixel sums to 1.
    """
    name: str
    image: np.ndarray
    truth: np.ndarray
    shadow: np.ndarray
    regularized: np.ndarray
    distance: float
    points: Sequence[Tuple[int, int, int]]
    attention: Dict[int, np.ndarray]


def has_regularizer(content: Dict[str, Any]) -> bool:
    """Whether the checkpoint comes from a training with a regularization branch."""
    return bool((content.get('training_state') or {}).get('regularizer'))


def both_branches(trained: Checkpointed, indices: Sequence[int]) -> List[Branches]:
    """Predict some of the test images with both branches.

    Raises:
        UserError: the frozen encoder cannot be built, for example without its weights file.
    """
    student, regularizer = _networks(trained)
    return [_branches(student, regularizer, sample, trained.picture)
            for sample in trained.samples(indices)]


def attention_strips(branches: Branches, classes: Sequence[str]) -> List[Strip]:
    """Draw a row for each pixel: its place in a ring, and its attention at each stage."""
    strips = []
    for i, (c, row, column) in enumerate(branches.points):
        place = f'a pixel of {classes[c]}' if c < len(classes) else 'the middle of the image'
        pictures = [photograph('pixel, in the ring', _ring(branches.image, row, column))]
        for stage, maps in branches.attention.items():
            caption = f'stage {stage}: {looked_at(maps[i:i + 1]):.0f} of {maps[i].size} cells'
            pictures.append(photograph(caption, _overlay(branches.image, maps[i])))
        strips.append(Strip(f'{branches.name}: cross-attention of {place}', pictures))
    return strips


def branch_strip(branches: Branches, palette: Sequence) -> Strip:
    """Draw a row: image, truth, both predictions, and their differences."""
    return Strip(f'{branches.name}: both branches', [
        photograph('photograph', branches.image),
        label_picture('truth', branches.truth, palette),
        label_picture('shadow branch', branches.shadow, palette),
        label_picture('regularization branch', branches.regularized, palette),
        photograph('differences in red', error_map(
            branches.image, branches.shadow, branches.regularized))])


def looked_at(maps: np.ndarray) -> float:
    """Return the mean number of cells that N maps attend to, between 1 and all cells.

    The number of a map is the exponential of its entropy.
    """
    flat = maps.reshape(len(maps), -1)
    return float(np.exp(-(flat * np.log(flat + 1e-12)).sum(axis=1)).mean())


def shares(branches: Branches) -> Tuple[float, float, float]:
    """Return the percent of pixels where the branches differ, and each branch's accuracy.

    Accuracies are percent of the labeled pixels, the shadow branch first.
    """
    counted = branches.truth != IGNORE_INDEX
    right = [100 * float((label == branches.truth)[counted].mean()) if counted.any() else 0.
             for label in (branches.shadow, branches.regularized)]
    return (100 * float((branches.shadow != branches.regularized).mean()), *right)


def _networks(trained: Checkpointed) -> Tuple[nn.Module, nn.Module]:
    """Return student and regularizer with the weights of the checkpoint, in eval mode."""
    networks = student_and_regularizer(trained.run.config, trained.content,
                                       trained.run.checkpoint)
    student, regularizer = (network.to(trained.device).eval() for network in networks)
    return student, regularizer


@torch.no_grad()
def _branches(student: nn.Module, regularizer: nn.Module, sample: Dict[str, Any],
              picture: Callable[[str], np.ndarray]) -> Branches:
    img, meta = sample['batch']['img'][0], sample['batch']['img_metas'][0][0]
    size = tuple(img.shape[2:])
    truth = cv2.resize(sample['label'][0].cpu().numpy(), size[::-1],
                       interpolation=cv2.INTER_NEAREST)
    features = training_features(student, img, Draws())
    context = regularizer.encode(img)
    seen: List[Sequence[Tensor]] = []  # for HRDA, the features of the context come first

    def enhance(maps: Sequence[Tensor]) -> Sequence[Tensor]:
        seen.append(maps)
        return regularizer(maps, context)

    enhanced = map_features(features, enhance)
    shadow, regularized = (_probabilities(student.decode_head, maps, size)
                           for maps in (features, enhanced))
    points = chosen_points(truth)
    attention = {
        stage: regularizer.attention(
            stage, seen[0][stage], context, _cells(points, size, seen[0][stage].shape[2:]))
        [0].mean(dim=0).cpu().numpy() for stage in regularizer.stages}
    return Branches(
        str(meta.get('ori_filename') or meta['filename']),
        cv2.resize(picture(meta['filename']), size[::-1], interpolation=cv2.INTER_AREA), truth,
        *(p.argmax(dim=1)[0].cpu().numpy() for p in (shadow, regularized)),
        float((shadow - regularized).abs().sum(dim=1).mean() / 2), points, attention)


def chosen_points(truth: np.ndarray) -> List[Tuple[int, int, int]]:
    """Return (class, row, column) of a middle pixel for each of a label's rarest classes.

    Classes that fill less than :data:`LEAST_SHARE` of the image are skipped. If none is left, the
    middle of the image is returned, with class 255.
    """
    classes, counts = np.unique(truth[truth != IGNORE_INDEX], return_counts=True)
    large = counts >= LEAST_SHARE * truth.size
    points = []
    for c in classes[large][np.argsort(counts[large], kind='stable')][:POINTS]:
        pixels = np.argwhere(truth == c)
        middle = np.median(pixels, axis=0)
        row, column = pixels[np.abs(pixels - middle).sum(axis=1).argmin()]
        points.append((int(c), int(row), int(column)))
    return points or [(IGNORE_INDEX, truth.shape[0] // 2, truth.shape[1] // 2)]


def _cells(points: Sequence[Tuple[int, int, int]], size: Sequence[int],
           stage_size: Sequence[int]) -> Tensor:
    """Return the cells of a stage's map that hold the points, counted row by row."""
    height, width = stage_size
    return torch.tensor([row * height // size[0] * width + column * width // size[1]
                         for _, row, column in points])


def _probabilities(head: nn.Module, features: Any, size: Sequence[int]) -> Tensor:
    return resize(full_precision(head(features)), size=tuple(size), mode='bilinear',
                  align_corners=head.align_corners).softmax(dim=1)


def _ring(image: np.ndarray, row: int, column: int) -> np.ndarray:
    """Draw the image with a ring around a pixel."""
    picture = image.copy()
    radius = max(3, min(image.shape[:2]) // 20)
    for color, width in (((0, 0, 0), 3), ((255, 255, 0), 1)):
        cv2.circle(picture, (column, row), radius, color, width, cv2.LINE_AA)
    return picture


def _overlay(image: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """Draw attention over a gray image, from blue (least attended cell) to yellow (most)."""
    size = image.shape[1::-1]
    above = attention - attention.min()
    cells = cv2.resize(above / max(above.max(), 1e-12), size, interpolation=cv2.INTER_NEAREST)
    gray = image.mean(axis=2, keepdims=True)
    return (0.35 * gray + 0.65 * heat(cells)).astype(np.uint8)
