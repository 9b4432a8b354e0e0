"""The keys of the feature distance to the ImageNet network or to a foundation encoder."""
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence, Union

from torch import nn

from ...errors import ConfigError
from ...regularizer import build_encoder
from ...regularizer.build import feature_channels
from ..keys import KeyGroup, key, part
from ..student import encoder_of
from .encoder_distance import EncoderDistance
from .feature_distance import FeatureDistance


@dataclass(frozen=True)
class FeatureDistanceKeys(KeyGroup):
    """Keys of DAFormer's feature distance."""

    imnet_feature_dist_lambda: float = key(
        0., 'Weight of the ImageNet feature distance. 0 is off.', least=0)
    imnet_feature_dist_classes: Optional[Sequence[int]] = key(
        None, 'Train ids of the compared classes. None compares everywhere.')
    imnet_feature_dist_scale_min_ratio: Optional[float] = key(
        None, 'Share of a feature cell that one class must cover to count.', least=0, most=1)
    imnet_feature_dist_scale_method: str = key(
        'ratio', "Accepted for old configs. Only 'ratio' exists.", choices=('ratio', ))
    imnet_feature_dist_encoder: Union[str, Dict[str, Any], None] = key(
        None, "Network that the features are compared with. None: the student's own backbone with "
        "its pretrained weights, as published. `dict(type='timm', ...)` or `dict(type='sam', "
        "...)`: a frozen foundation encoder. 'regularizer': the encoder of SSR, whose map is then "
        'used twice.')

    def build(self, student: nn.Module,
              regularizer: Optional[nn.Module]) -> Optional[FeatureDistance]:
        """Build the distance for the student and the regularizer, if there is one."""
        if self.imnet_feature_dist_lambda == 0:
            return None
        options = dict(
            weight=self.imnet_feature_dist_lambda, num_classes=student.decode_head.num_classes,
            classes=self.imnet_feature_dist_classes,
            min_ratio=self.imnet_feature_dist_scale_min_ratio)
        encoder = self.imnet_feature_dist_encoder
        if encoder is None:
            check_neck(student)
            return part(FeatureDistance, deepcopy(encoder_of(student)), **options)
        shared = encoder == 'regularizer'
        if not shared and not isinstance(encoder, dict) or shared and regularizer is None:
            raise ConfigError("uda.imnet_feature_dist_encoder must be None, dict(type='timm', ...) "
                              "or dict(type='sam', ...), or, with SSR, 'regularizer', got "
                              f'{encoder!r}{" without SSR" if shared else ""}')
        network = regularizer.encoder if shared else build_encoder(encoder)
        return part(EncoderDistance, network, feature_channels(student)[-1], shared, **options)


def check_neck(student: nn.Module) -> None:
    """Raise a :class:`ConfigError` if the student has a neck with weights.

    The published distance compares pretrained features, and such a neck starts at random.
    """
    neck = getattr(student, 'neck', None)
    if neck is not None and any(True for _ in neck.parameters()):
        raise ConfigError(
            f'uda.imnet_feature_dist_lambda: the features behind the neck {type(neck).__name__} '
            'have no pretrained counterpart to stay near: set it to 0, or give '
            'imnet_feature_dist_encoder')
