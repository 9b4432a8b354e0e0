"""The regularization branch of a given segmentor."""
from typing import Any, Dict, Optional, Sequence

import torch
from torch import nn

from ..errors import ConfigError
from .encoders import build_encoder
from .feature_regularizer import FeatureRegularizer


def build_regularizer(segmentor: nn.Module,
                      encoder: Dict[str, Any],
                      stages: Sequence[int] = (0, 1, 2, 3),
                      channels: Optional[Sequence[int]] = None,
                      num_heads: Optional[Sequence[int]] = None,
                      add_map: bool = False) -> FeatureRegularizer:
    """The regularization branch for a segmentor.

    Args:
        encoder: the frozen encoder, ``dict(type='sam', ...)`` with the arguments of
            :class:`~mmseg_ssr.regularizer.FrozenSAMEncoder` (also without a type), or
            ``dict(type='timm', ...)`` with those of
            :class:`~mmseg_ssr.regularizer.FrozenTimmEncoder`, or of a type of your own, see
            :func:`~mmseg_ssr.regularizer.register_encoder`.
        stages: which stages are enhanced (the paper's Table I).
        channels: widths of the stages; measured on the segmentor when not given.
        num_heads: heads per stage; for the widths of MiT-B1..B5 and B0 the published 1, 2, 5, 8,
            for others the largest of 8, 4, 2, 1 that divides the width.
        add_map: add the encoder's projected map to the features as well, see
            :class:`~mmseg_ssr.regularizer.FeatureRegularizer`; not with HRDA, whose detail crop is
            a part of the map's view.

    Raises:
        ConfigError: values that do not fit each other or the segmentor.
        MissingFile, CheckpointError: of the encoder's weights.
    """
    if add_map and not getattr(segmentor, 'maps_show_the_image', True):
        raise ConfigError('regularizer.add_map: the map of the whole image does not lie on the '
                          "features of HRDA's detail crop: set it to False")
    try:
        return FeatureRegularizer(build_encoder(encoder), channels or feature_channels(segmentor),
                                  num_heads, stages, add_map)
    except (TypeError, ValueError) as error:
        raise ConfigError(f'regularizer: {error}') from error


def feature_channels(segmentor: nn.Module) -> Sequence[int]:
    """Widths of the maps that backbone and neck give, measured on a small blank image."""
    was_training = segmentor.training
    parameter = next(segmentor.parameters())
    segmentor.eval()
    with torch.no_grad():
        features = segmentor.extract_feat(
            torch.zeros(1, 3, 64, 64, device=parameter.device, dtype=parameter.dtype))
    segmentor.train(was_training)
    return tuple(feature.shape[1] for feature in features)
