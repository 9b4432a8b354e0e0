"""From an image of any size to the network's input, by the config's test pipeline."""
import copy
import math
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import cv2
import numpy as np
import torch
from mmcv import Config
from mmseg.datasets.pipelines import Compose
from torch import Tensor, nn
from torch.nn import functional as F

from ..datasets.pipelines.antialiased_resize import ResizeForScore
from ..datasets.pipelines.image_loading import (
    PathLike,
    as_loaded,
    load_file,
    loading_step,
    refused,
    split_pipeline,
)
from ..engine.config.faults import config_fault
from ..engine.config.values import segmentor_test_cfg, steps_of
from ..engine.on_device import to_device
from ..errors import ConfigError, DataError, explained

ORIGINAL = 'original'
#: 'original', or the (long, short) sides that an image is made to fit; None: as in the config.
Scale = Union[str, Sequence[int], None]
#: Least side of an image in pixels: the deepest maps of a backbone have 1/32 of its sides.
STRIDE = 32


class Preparation:
    """The steps of ``data.test.pipeline``, for files and for images in memory.

    **Loading rule.** A file is loaded by the pipeline's own step, as in the test of the config. An
    image in memory counts as loaded. ``color_type`` and ``to_float32`` of mmseg's step hold for it
    too.

    **Resizing rule.** The image is resized as in the test of the config. For Cityscapes it fits
    into 1024 x 512 with its aspect kept, whichever side is the longer. See ``scale`` for other
    scales. If a side is then below 32 pixels (64 for HRDA, whose context is half as large), the
    image is padded at the right and below. The prediction is resized to the size of the image.

    Args:
        cfg: a config with the pipeline in ``data.test``, ``data.val`` or ``test_pipeline``.
        scale: None for the config's scale, 'original' to keep the size of images, or
            (long, short): the sides in pixels that an image is made to fit, with its aspect kept.

    Raises:
        ConfigError: there is no pipeline, it cannot be built, or scale is something else.
    """

    def __init__(self, cfg: Config, scale: Scale = None):
        steps = split_pipeline(copy.deepcopy(test_pipeline(cfg)))
        # predictions have the size of the image, whatever size a test is scored at
        others = [step for step in steps.others if step.get('type') != ResizeForScore.__name__]
        set_scale(others, scale, cfg)
        self.cfg = cfg
        with explained(config_fault(cfg, 'data.test.pipeline')):
            self.load = loading_step(Compose(steps.images).transforms)
            self.compose = Compose(others)

    @property
    def own_step(self) -> Optional[str]:
        """Name of the loading step if it is the user's, which reads files alone."""
        return None if self.load.is_mmsegs else type(self.load.load).__name__

    def read(self, path: PathLike) -> Dict[str, Any]:
        """Load an image file. Returns mmseg's ``results``, with the image as ``img``.

        Raises:
            MissingFile, DataError: the file is missing, or is no image that the step loads.
        """
        return load_file(self.load, path)

    def loaded(self, image: np.ndarray) -> Dict[str, Any]:
        """Give the same for an image H x W x 3 uint8, RGB, in memory."""
        image = np.ascontiguousarray(image[..., ::-1])
        if self.load.is_mmsegs:
            if self.load.load.color_type.startswith('grayscale'):
                image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            if self.load.load.to_float32:
                image = image.astype(np.float32)
        return as_loaded(image)

    def __call__(self, image: Union[np.ndarray, Dict[str, Any]], network: nn.Module,
                 device: torch.device) -> Tuple[List[Tensor], List[List[Dict[str, Any]]]]:
        """Prepare an image: gives (img, img_metas), lists of batches of one.

        Args:
            image: H x W x 3 uint8, RGB, or what :meth:`read` or :meth:`loaded` give.

        Raises:
            ConfigError: a step of the pipeline fails on it.
            DataError: nothing is left of it after resizing.
        """
        with explained(config_fault(self.cfg, 'data.test.pipeline', 'cannot be used')):
            results = self._composed(self.loaded(image) if isinstance(image, np.ndarray)
                                     else image)
        img, metas = results['img'], results['img_metas']
        if not isinstance(img, list):  # a pipeline without MultiScaleFlipAug
            img, metas = [img], [metas]
        smallest = math.ceil(STRIDE / getattr(network, 'context_scale', 1))
        img = [_padded(to_device(part, device), smallest)[None] for part in img]
        return img, [[to_device(meta, device)] for meta in metas]

    def _composed(self, loaded: Dict[str, Any]) -> Dict[str, Any]:
        image = loaded['img']
        try:
            return self.compose(loaded)
        except cv2.error as error:
            raise DataError(f'data.test.pipeline fails on {loaded["filename"] or "what is given"}'
                            f': {refused(error, image)}') from error


def test_pipeline(cfg: Config) -> List[dict]:
    """The pipeline of ``data.test``, else ``data.val``, else ``test_pipeline``.

    Raises:
        ConfigError: there is none.
    """
    for split in ('test', 'val'):
        pipeline = _pipeline((cfg.get('data') or {}).get(split))
        if pipeline:
            return pipeline
    if not cfg.get('test_pipeline'):
        raise ConfigError(f'{cfg.filename}: no data.test with a pipeline in it that says how '
                          'images are resized and normalized: give the config of the training')
    return cfg.test_pipeline


def normalization(cfg: Config) -> Dict[str, Any]:
    """``mean`` and ``std`` (three numbers each, in 0..255) and ``to_rgb`` of the test pipeline.

    Raises:
        ConfigError: the pipeline has no step Normalize.
    """
    for _, step in steps_of(test_pipeline(cfg)):
        if step.get('type') == 'Normalize':
            return dict(mean=list(step['mean']), std=list(step['std']),
                        to_rgb=step.get('to_rgb', True))
    raise ConfigError(f'{cfg.filename}: no step Normalize in data.test.pipeline')


def tested_size(cfg: Config) -> Tuple[int, int]:
    """(height, width) that the network sees in the test of the config.

    This is the window of slide inference, or else a landscape image at the scale of the test
    pipeline.
    """
    test_cfg = segmentor_test_cfg(cfg)
    if test_cfg.get('mode') == 'slide' and test_cfg.get('crop_size'):
        return tuple(test_cfg['crop_size'])
    scales = [step.get('img_scale') for step in test_pipeline(cfg) if step.get('img_scale')]
    scale = scales[0] if scales else (1024, 512)
    if not isinstance(scale[0], int):  # several scales, for --aug-test
        scale = scale[0]
    return min(scale), max(scale)


def set_scale(steps: List[dict], scale: Scale, cfg: Config) -> None:
    """Change the scale of MultiScaleFlipAug in a pipeline."""
    if scale is None:
        return
    valid = scale == ORIGINAL or isinstance(scale, (list, tuple)) and len(scale) == 2 and all(
        isinstance(side, int) and side > 0 for side in scale)
    if not valid:
        raise ConfigError("scale must be None, 'original' or (long side, short side) in pixels, "
                          f'got {scale!r}')
    found = [step for step in steps if step.get('type') == 'MultiScaleFlipAug']
    if not found:
        raise ConfigError(f'{cfg.filename}: another scale needs a MultiScaleFlipAug in '
                          'data.test.pipeline')
    if scale == ORIGINAL:
        found[0].update(img_scale=None, img_ratios=[1.0])
    else:
        found[0].update(img_scale=tuple(scale), img_ratios=None)


def _pipeline(dataset: Union[dict, list, None]) -> Optional[List[dict]]:
    """The pipeline of a data set, or of the first one in a wrapper or list."""
    if isinstance(dataset, (list, tuple)):
        dataset = dataset[0] if dataset else None
    if not dataset:
        return None
    inner = dataset.get('dataset') or dataset.get('datasets')
    return dataset.get('pipeline') or _pipeline(inner)


def _padded(img: Tensor, smallest: int) -> Tensor:
    """Pad 3 x h x w to sides of at least ``smallest`` with 0, the mean of the training's images."""
    height, width = img.shape[-2:]
    return F.pad(img, (0, max(0, smallest - width), 0, max(0, smallest - height)))
