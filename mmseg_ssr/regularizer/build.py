"""The regularization branch for a given segmentor."""
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
    """Build the regularization branch for a segmentor.

    Args:
        segmentor: student whose features are enhanced.
        encoder: config of the frozen encoder. ``dict(type='sam', ...)``, also without the type,
            takes the arguments of :class:`~mmseg_ssr.regularizer.FrozenSAMEncoder`,
            ``dict(type='timm', ...)`` those of :class:`~mmseg_ssr.regularizer.FrozenTimmEncoder`.
            See :func:`~mmseg_ssr.regularizer.register_encoder` for a type of your own.
        stages: indices of the enhanced stages (the paper's Table I).
        channels: widths of the stages; None measures them on the segmentor.
        num_heads: attention heads per stage. None takes the published 1, 2, 5, 8 for the widths of
            MiT-B0 to B5, and for others the largest of 8, 4, 2, 1 that divides the width.
        add_map: whether to add the encoder's projected map to the features as well, see
            :class:`~mmseg_ssr.regularizer.FeatureRegularizer`. This does not work with HRDA, whose
            detail crop shows only a part of the map.

    Raises:
        ConfigError: values do not fit each other or the segmentor.
        MissingFile, CheckpointError: the encoder's weights are missing or do not fit.
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
    """Return the widths of the maps of backbone and neck, measured on a small blank image.

    A backbone without a neck may state them as ``map_channels``, so that it need not run.
    The image has the size ``backbone.img_size`` if there is one, since such a backbone may take no
    other. A segmentor with a method ``extract_maps`` is not asked for more than the maps.
    """
    stated = getattr(getattr(segmentor, 'backbone', None), 'map_channels', None)
    if stated is not None and getattr(segmentor, 'neck', None) is None:
        return stated
    was_training = segmentor.training
    parameter = next(segmentor.parameters())
    size = getattr(getattr(segmentor, 'backbone', None), 'img_size', None) or (64, 64)
    extract = getattr(segmentor, 'extract_maps', segmentor.extract_feat)
    segmentor.eval()
    with torch.no_grad():
        maps = extract(torch.zeros(1, 3, *size, device=parameter.device, dtype=parameter.dtype))
    segmentor.train(was_training)
    return tuple(one.shape[1] for one in maps)
