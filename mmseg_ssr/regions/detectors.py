"""Object detectors whose boxes tidy the regions (SARFormer, Sec. 3: region-based optimizer).

The published code takes YOLOv8n of ultralytics. Its license (AGPL) is not that of this project, so
another detector stands here.
"""
from typing import Any, Callable, Mapping, Type

import torch
from torch import Tensor

from ..errors import CheckpointError, ConfigError, nearest
from ..regularizer.frozen import FrozenNetwork
from ..regularizer.registry import FrozenRegistry
from ..weights import check_values, read_weights


class BoxSource(FrozenNetwork):
    """Finds objects in an image."""

    @torch.no_grad()
    def forward(self, img: Tensor) -> Tensor:
        """Return boxes k x 4, (x1, y1, x2, y2) in pixels, of an image 3 x H x W, RGB in 0..1."""
        raise NotImplementedError


BOX_SOURCES = FrozenRegistry(BoxSource, 'box source', 'regions.boxes')


def register_box_source(name: str) -> Callable[[Type[BoxSource]], Type[BoxSource]]:
    """Class decorator: ``boxes=dict(type=name, ...)`` in a config builds the class.

    Raises:
        TypeError, ValueError: see :meth:`.FrozenRegistry.register`.
    """
    return BOX_SOURCES.register(name)


def build_box_source(config: Mapping[str, Any]) -> BoxSource:
    """Build the box source of ``dict(type=..., ...)``.

    Raises:
        ConfigError, MissingFile, CheckpointError: see :meth:`.FrozenRegistry.build`.
    """
    return BOX_SOURCES.build(config)


@register_box_source('torchvision')
class TorchvisionBoxes(BoxSource):
    """A COCO detector of torchvision. It differs from the published one, YOLOv8n.

    Args:
        model: name of a detector in torchvision.
        checkpoint: file of its weights as torchvision publishes them. None takes random weights
            (tests) and must be given explicitly.
        score: least score of a box, in 0..1.

    Raises:
        ConfigError: the name or the score is not valid.
        MissingFile, CheckpointError: the weights are missing or do not fit.
    """

    def __init__(self,
                 model: str = 'fasterrcnn_mobilenet_v3_large_320_fpn',
                 *,
                 checkpoint: Any,
                 score: float = 0.25):
        from torchvision.models import detection, get_model, list_models
        known = list_models(detection)
        if model not in known:
            raise ConfigError(f'regions.boxes.model must be one of {known}, got {model!r}'
                              f'{nearest(model, known)}')
        if not 0 <= score <= 1:
            raise ConfigError(f'regions.boxes.score must be in [0, 1], got {score}')
        network = get_model(model, weights=None, weights_backbone=None)
        if checkpoint is not None:
            weights = read_weights(checkpoint)
            try:
                network.load_state_dict(weights)
            except RuntimeError as error:
                raise CheckpointError(f'{checkpoint} holds no weights of {model}: give the file '
                                      'that torchvision publishes for it') from error
            check_values(weights, network.state_dict(), checkpoint)
        super().__init__(network)
        self.score = score

    @torch.no_grad()
    def forward(self, img: Tensor) -> Tensor:
        found = self.network([img])[0]
        return found['boxes'][found['scores'] >= self.score]
