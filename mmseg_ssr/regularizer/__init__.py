"""SSR itself, in pure torch: a frozen encoder, and what its map does to backbone features."""
from .cross_attention import CrossAttention
from .feature_regularizer import FeatureRegularizer
from .frozen import FrozenNetwork
from .sam_encoder import FrozenSAMEncoder

__all__ = ['CrossAttention', 'FeatureRegularizer', 'FrozenNetwork', 'FrozenSAMEncoder']
