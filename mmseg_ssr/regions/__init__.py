"""Frozen sources of the regions from which SARFormer makes its queries."""
from .boxes import tidied
from .regions import Regions

__all__ = ['Regions', 'tidied']
