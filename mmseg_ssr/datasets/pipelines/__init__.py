"""Loading steps of the data pipelines."""
from .pseudo_margins import FormatValidPseudoMask, PseudoLabelMargins

__all__ = ['FormatValidPseudoMask', 'PseudoLabelMargins']
