"""Unsupervised domain adaptation: one self-training step, and its parts, a file each."""
from .adversarial import AdversarialAdaptation
from .class_mix import class_mix_masks, mix
from .draws import Draws
from .encoder_distance import EncoderDistance
from .entropy_minimization import EntropyMinimization
from .feature_distance import FeatureDistance
from .loss_term import LossTerm
from .masked_consistency import BlockMask, MaskedConsistency
from .maximum_squares import MaximumSquares
from .methods import DACS, SSR, AdvSeg, MaxSquare, MinEnt
from .numerical_watch import NotFinite, NumericalWatch
from .optimization import Optimization
from .pseudo_label import PseudoLabel, pseudo_label
from .segmentor import UDASegmentor
from .self_training import SelfTraining
from .strong_augmentation import StrongAugmentation
from .teacher import EMATeacher
from .views import Batch, View

__all__ = [
    'DACS', 'SSR', 'AdvSeg', 'AdversarialAdaptation', 'Batch', 'BlockMask', 'Draws', 'EMATeacher',
    'EncoderDistance', 'EntropyMinimization', 'FeatureDistance', 'LossTerm', 'MaskedConsistency',
    'MaxSquare', 'MaximumSquares', 'MinEnt', 'NotFinite', 'NumericalWatch', 'Optimization',
    'PseudoLabel', 'SelfTraining', 'StrongAugmentation', 'UDASegmentor', 'View',
    'class_mix_masks', 'mix', 'pseudo_label'
]
