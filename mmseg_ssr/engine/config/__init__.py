"""Config files: reading, checking, explaining."""
from .load import load_config

__all__ = ['load_config']
