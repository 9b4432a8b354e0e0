"""SSR itself, in pure torch: a frozen encoder, whose map enhances backbone features."""
from .build import build_regularizer
from .cross_attention import CrossAttention
from .encoders import build_encoder, register_encoder
from .feature_regularizer import FeatureRegularizer
from .frozen import FrozenNetwork
from .sam_encoder import FrozenSAMEncoder
from .sam_network import build_sam
from .timm_encoder import FrozenTimmEncoder

__all__ = ['CrossAttention', 'FeatureRegularizer', 'FrozenNetwork', 'FrozenSAMEncoder',
           'FrozenTimmEncoder', 'build_encoder', 'build_regularizer', 'build_sam',
           'register_encoder']
