"""Mask2Former (arXiv 2112.01527), and SARFormer (Neurocomputing 635, 129915) on top of it."""
from . import adaptation
from .features import RegionFeatures
from .mask2former_head import Mask2FormerHead
from .sarformer_head import SARFormerHead
from .segmentors import Mask2Former, SARFormer

__all__ = ['Mask2Former', 'Mask2FormerHead', 'RegionFeatures', 'SARFormer', 'SARFormerHead',
           'adaptation']
