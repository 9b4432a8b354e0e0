"""Checkpoint files: writing, reading, and loading weights from them."""
from .files import read_checkpoint

__all__ = ['read_checkpoint']
