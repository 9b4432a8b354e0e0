"""Unsupervised domain adaptation: one self-training step, and its parts, a file each."""
from .draws import Draws
from .losses.adversarial import AdversarialAdaptation
from .losses.encoder_distance import EncoderDistance
from .losses.entropy_minimization import EntropyMinimization
from .losses.feature_distance import FeatureDistance
from .losses.loss_term import LossTerm
from .losses.maximum_squares import MaximumSquares
from .self_training import SelfTraining
from .update.finite_check import NotFinite, NumericalWatch
from .update.optimization import Optimization
from .update.teacher import EMATeacher
from .views.class_mix import class_mix_masks, mix
from .views.masked_consistency import BlockMask, MaskedConsistency
from .views.pseudo_label import PseudoLabel, pseudo_label
from .views.strong_augmentation import StrongAugmentation
from .views.view import Batch, View

__all__ = [
    'AdversarialAdaptation', 'Batch', 'BlockMask', 'Draws', 'EMATeacher',
    'EncoderDistance', 'EntropyMinimization', 'FeatureDistance', 'LossTerm', 'MaskedConsistency',
    'MaximumSquares', 'NotFinite', 'NumericalWatch', 'Optimization',
    'PseudoLabel', 'SelfTraining', 'StrongAugmentation', 'View',
    'class_mix_masks', 'mix', 'pseudo_label'
]
