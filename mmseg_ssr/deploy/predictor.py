"""A trained model as a function from images to labels: ``load(checkpoint).predict(image)``."""
import contextlib
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from torch import nn

from ..datasets.pipelines.image_loading import load_file, loading_step, picture
from ..engine.testing.inference import inference_options
from ..engine.testing.options import set_inference_mode, set_inference_options
from ..errors import ConfigError, DataError, nearest
from ..utils.device import pick_device
from ..visualization import overlay
from .decision import decide
from .model_file import PathLike, build_network, read_model
from .preparation import Preparation, Scale

MODES = ('same', 'whole', 'slide')
Image = Union[PathLike, np.ndarray]


@dataclass(frozen=True)
class Prediction:
    """The prediction of a model for an image of H x W pixels.

    Attributes:
        image: H x W x 3 uint8, RGB.
        label: H x W uint8, the class of each pixel (train ids).
        confidence: H x W float32 in [0, 1], the probability of that class.
        classes, palette: names and colors (R, G, B) of the classes.
    """
    image: np.ndarray
    label: np.ndarray
    confidence: np.ndarray
    classes: Tuple[str, ...]
    palette: List[Sequence[int]]

    def overlay(self, opacity: float = 0.5) -> np.ndarray:
        """Paint the classes over the image. Returns H x W x 3 uint8, RGB."""
        return overlay(self.image, self.label, self.palette, opacity)


class Predictor:
    """A network ready to predict; see :func:`load`.

    Args:
        network: a segmentor with its weights, ``CLASSES`` and ``PALETTE``. Its ``test_cfg`` says
            how to predict (:func:`~mmseg_ssr.engine.testing.inference.inference_options`).
        preparation: turns an image into the network's input.
        device: where the network runs.
    """

    def __init__(self, network: nn.Module, preparation: Preparation, device: torch.device):
        self.network = network.to(device).eval()
        self.preparation = preparation
        self.device = device
        self.classes, self.palette = tuple(network.CLASSES), list(network.PALETTE)
        self._options = contextlib.ExitStack()
        self._options.enter_context(inference_options(network))  # once, because it may compile

    def predict(self, image: Image) -> Prediction:
        """Predict one image of any size.

        Args:
            image: a file, or an array H x W x 3 (RGB) or H x W (gray) of uint8. A file is loaded
                by the loading step of the config. An array counts as loaded.

        Raises:
            MissingFile, DataError: the file is missing, or file or array is no image.
            ConfigError: the test pipeline of the config fails on it.
        """
        return self.predict_loaded(
            self.preparation.read(image) if isinstance(image, (str, os.PathLike))
            else self.preparation.loaded(_checked(image)))

    def predict_loaded(self, loaded: Dict[str, Any]) -> Prediction:
        """Predict what :meth:`.Preparation.read` or :meth:`.Preparation.loaded` give."""
        image = picture(loaded['img'])
        img, metas = self.preparation(loaded, self.network, self.device)
        with torch.inference_mode():
            label, confidence = decide(self.network, img, metas)
        return Prediction(image, label[0].to(torch.uint8).cpu().numpy(),
                          confidence[0].float().cpu().numpy(), self.classes, self.palette)


def load(checkpoint: PathLike,
         config: Optional[PathLike] = None,
         device: str = 'auto',
         weights: str = 'student',
         mode: str = 'same',
         scale: Scale = None,
         amp: Optional[str] = None,
         compile: bool = False,
         batched_slide: Optional[int] = None,
         trusted: bool = False) -> Predictor:
    """Load a trained model: ``load('latest.pth').predict('photo.jpg').label``.

    Only the shadow branch is built, without SAM and ImageNet weights.

    Args:
        checkpoint: checkpoint of this package, mmseg, DAFormer, HRDA, MIC or SSR, or a ``.pth``
            or ``.safetensors`` file of ``mmseg-ssr export``.
        config: a config file to use if the checkpoint has none, or instead of its own.
        device: ``'auto'``, ``'cpu'``, or a device of torch.
        weights: ``'student'`` or ``'teacher'``.
        mode: ``'whole'`` images or ``'slide'`` (windows); ``'same'`` as in the config.
        scale: ``'original'``, or (long side, short side) that images are made to fit; None for
            the scale of the config's test
            (:class:`~mmseg_ssr.deploy.preparation.Preparation`).
        amp, compile, batched_slide: see
            :func:`~mmseg_ssr.engine.testing.options.set_inference_options`; None as in the config.
        trusted: also read a file that could run code when it is read.

    Raises:
        MissingFile, CheckpointError, ConfigError: see :mod:`mmseg_ssr.deploy.model_file`.
    """
    if mode not in MODES:
        raise ConfigError(f'mode must be one of {", ".join(MODES)}, got {mode!r}'
                          f'{nearest(mode, MODES)}')
    model = read_model(checkpoint, config, trusted)
    set_inference_mode(model.cfg, mode)
    set_inference_options(model.cfg, amp, compile, batched_slide)
    preparation = Preparation(model.cfg, scale)
    return Predictor(build_network(model, weights), preparation, pick_device(device))


def read_image(path: PathLike) -> np.ndarray:
    """Read an image file as RGB, H x W x 3 uint8, as mmseg's ``LoadImageFromFile`` does.

    Raises:
        MissingFile, DataError: the file is missing, or is no image of 8-bit colors.
    """
    return picture(load_file(loading_step([]), path)['img'])


def _checked(image: np.ndarray) -> np.ndarray:
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or not array.size or (
            array.ndim == 3 and array.shape[2] != 3):
        raise DataError('an image must be a file name or an array H x W x 3 (RGB) or H x W of '
                        f'uint8, got {array.dtype} of shape {array.shape}')
    return array if array.ndim == 3 else np.repeat(array[..., None], 3, axis=2)
