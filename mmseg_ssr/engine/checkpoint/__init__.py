"""Checkpoint files: writing, reading, weights out of them."""
from .files import read_checkpoint

__all__ = ['read_checkpoint']
