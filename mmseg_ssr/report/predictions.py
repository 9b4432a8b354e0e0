"""Predictions of a training's newest checkpoint on the test images of its config."""
import math
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..datasets.pipelines.checked_loading import image_step, leaf_datasets
from ..datasets.pipelines.image_loading import load_file, picture
from ..datasets.several_sets import subset
from ..engine.build import build_test_dataset, build_test_model
from ..engine.checkpoint.files import read_checkpoint
from ..engine.checkpoint.weights import apply_weights
from ..engine.config.validate import validate
from ..engine.on_device import to_device
from ..engine.testing.evaluate import evaluation_loader, run_test
from ..engine.testing.inference import inference_options
from ..engine.testing.labeled_images import compares_itself
from ..errors import WRONG_VALUE, CheckpointError, ConfigError, UserError
from ..labels.confusion import areas
from .runs import Run

#: Errors that leave a run's images out: those of the user, and those that libraries raise for old
#: files.
FAULTS = (UserError, *WRONG_VALUE)


class Prediction(NamedTuple):
    """One image of H x W pixels and the predictions on it.

    Attributes:
        name: name of the image file.
        image: RGB, H x W x 3 uint8.
        truth: the label, H x W uint8, classes and 255.
        label: the student's classes, H x W.
        confidence: the student's probability of these classes, H x W in [0, 1].
        teacher_label, teacher_confidence: the same from the teacher, or None.
    """
    name: str
    image: np.ndarray
    truth: np.ndarray
    label: np.ndarray
    confidence: np.ndarray
    teacher_label: Optional[np.ndarray] = None
    teacher_confidence: Optional[np.ndarray] = None


class Checkpointed:
    """The networks of a training's newest checkpoint, and its test images.

    Args:
        run: a run that has a config and a checkpoint.
        device: device of the networks.
        images: number of images of ``data.test`` to predict, evenly spread. None takes all.

    Attributes:
        dataset: the chosen images.
        content: content of the checkpoint file.

    Raises:
        UserError: checkpoint, config or data is missing or not valid.
    """

    def __init__(self, run: Run, device: torch.device, images: Optional[int] = None):
        if run.config is None or run.checkpoint is None:
            raise ConfigError('no config.py in the folder' if run.config is None else
                              'no checkpoint iter_N.pth in the folder')
        validate(run.config)
        self.run, self.device = run, device
        self.dataset = spread(build_test_dataset(run.config), images)
        if compares_itself(self.dataset):
            raise ConfigError(f'{type(self.dataset).__name__} compares predictions with labels '
                              'in its own way')
        self.content = read_checkpoint(run.checkpoint)
        self.student = self._network('student')
        try:
            self.teacher: Optional[nn.Module] = self._network('teacher')
        except CheckpointError:  # trained without a teacher
            self.teacher = None

    def matrices(self) -> List[Tensor]:
        """Return the student's confusion matrix for each image, K x K (rows: labels)."""
        return run_test(self.student, self.dataset, self.device)

    def predictions(self, indices: Sequence[int]) -> Iterator[Prediction]:
        """Yield the student's and the teacher's predictions on some of the images."""
        for sample in self.samples(indices):
            img, metas = sample['batch']['img'][0], sample['batch']['img_metas'][0]
            found = [_most_likely(network, img, metas) for network in (self.student, self.teacher)
                     if network is not None]
            path = metas[0]['filename']
            yield Prediction(str(metas[0].get('ori_filename') or path), self.picture(path),
                             sample['label'][0].cpu().numpy(), *found[0],
                             *(found[1] if len(found) > 1 else ()))

    def picture(self, path: str) -> np.ndarray:
        """Read a test image as the network's test does, to be shown: H x W x 3 uint8, RGB."""
        return picture(load_file(image_step(next(leaf_datasets(self.dataset))), path)['img'])

    def samples(self, indices: Sequence[int]) -> Iterator[Dict[str, Any]]:
        """Yield batches of one image with its label, on the device."""
        for index in indices:
            for sample in evaluation_loader(subset(self.dataset, [index])):
                yield to_device(sample, self.device)

    def _network(self, role: str) -> nn.Module:
        model = build_test_model(self.run.config)
        apply_weights(self.content, model, self.run.checkpoint, role)
        return model.to(self.device).eval()


def spread(dataset: Dataset, count: Optional[int]) -> Dataset:
    """Reduce the data set to ``count`` evenly spread images. None keeps all."""
    if count is not None and count < len(dataset):
        positions = np.linspace(0, len(dataset) - 1, count).round().astype(int)
        return subset(dataset, positions.tolist())
    return dataset


def image_scores(matrices: Sequence[Tensor]) -> List[float]:
    """Return the mean IoU of each image in percent, over the classes in its label.

    It is NaN if the label holds no class.
    """
    scores = []
    for matrix in matrices:
        both, union, _, labeled = areas(matrix)
        there = labeled > 0
        scores.append(100 * float((both[there] / union[there]).mean()) if there.any()
                      else math.nan)
    return scores


@torch.no_grad()
def _most_likely(network: nn.Module, img: Tensor, metas: List[dict]) -> List[np.ndarray]:
    """Predict classes and their probabilities, H x W each, at the size of the original image."""
    with inference_options(network):
        probability, label = network.inference(img, metas, True).max(dim=1)
    return [label[0].cpu().numpy(), probability[0].float().cpu().numpy()]
