"""Pretrained weights: where they are published, how they are read, and their names."""
from .published import FILES, FOLDER, Published, find_published, how_to_get, published_sum
from .reading import (
    check_sums,
    check_values,
    find_weights,
    has_negative_variance,
    read_weights,
)
from .sums import sha256

__all__ = ['FILES', 'FOLDER', 'Published', 'check_sums', 'check_values', 'find_published',
           'find_weights', 'has_negative_variance', 'how_to_get', 'published_sum', 'read_weights',
           'sha256']
