"""Unsupervised domain adaptation: one self-training step, and its parts, a file each."""
from .class_mix import class_mix_masks, mix
from .draws import Draws
from .feature_distance import FeatureDistance
from .masked_consistency import BlockMask, MaskedConsistency
from .methods import DACS, SSR
from .pseudo_label import PseudoLabel, pseudo_label
from .segmentor import UDASegmentor
from .self_training import Batch, SelfTraining, View
from .strong_augmentation import StrongAugmentation
from .teacher import EMATeacher

__all__ = [
    'DACS', 'SSR', 'Batch', 'BlockMask', 'Draws', 'EMATeacher', 'FeatureDistance',
    'MaskedConsistency', 'PseudoLabel', 'SelfTraining', 'StrongAugmentation', 'UDASegmentor',
    'View', 'class_mix_masks', 'mix', 'pseudo_label'
]
