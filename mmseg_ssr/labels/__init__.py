"""Label images and classes, in numpy alone."""
from .rare_class_sampling import RareClassSampler, RareClassSampling, class_probabilities

__all__ = ['RareClassSampler', 'RareClassSampling', 'class_probabilities']
