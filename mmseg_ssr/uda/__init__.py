"""Unsupervised domain adaptation in pure torch: one self-training step and its parts.

Begin to read in :mod:`.self_training`, which holds the step. :mod:`.student` describes the
segmentor that it trains. :mod:`.views` makes the images that it trains on, :mod:`.losses` holds the
loss terms, and :mod:`.update` turns the losses into new weights. :mod:`.method_keys` builds the
parts from the keys of a config.
"""
from .draws import Draws
from .losses.adversarial import AdversarialAdaptation
from .losses.encoder_distance import EncoderDistance
from .losses.entropy_minimization import EntropyMinimization
from .losses.feature_distance import FeatureDistance
from .losses.foundation_distance import FoundationDistance
from .losses.loss_term import LossTerm
from .losses.maximum_squares import MaximumSquares
from .losses.view_losses import Learned, ViewLosses
from .method_keys import build_self_training
from .self_training import SelfTraining
from .update.finite_check import FiniteCheck, NotFinite
from .update.optimization import Optimization
from .update.teacher import EMATeacher
from .views.class_mix import ClassMix, class_mix_masks, mix
from .views.masked_consistency import BlockMask, MaskedConsistency
from .views.photometric import PhotometricAugmentation
from .views.pseudo_label import PseudoLabeler, pseudo_label
from .views.strong_augmentation import StrongAugmentation
from .views.view import (
    Batch,
    DistanceView,
    PseudoLabel,
    SourceView,
    TargetView,
    View,
    ViewMaker,
)

__all__ = [
    'AdversarialAdaptation', 'Batch', 'BlockMask', 'ClassMix', 'DistanceView', 'Draws',
    'EMATeacher', 'EncoderDistance', 'EntropyMinimization', 'FeatureDistance', 'FiniteCheck',
    'FoundationDistance', 'Learned', 'LossTerm', 'MaskedConsistency', 'MaximumSquares', 'NotFinite',
    'Optimization', 'PhotometricAugmentation', 'PseudoLabel', 'PseudoLabeler', 'SelfTraining',
    'SourceView', 'StrongAugmentation', 'TargetView', 'View', 'ViewLosses', 'ViewMaker',
    'build_self_training', 'class_mix_masks', 'mix', 'pseudo_label'
]
