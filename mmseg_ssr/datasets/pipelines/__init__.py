"""Loading steps of the data pipelines."""
from .image_loading import LoadScaledImage
from .pseudo_margins import FormatValidPseudoMask, PseudoLabelMargins

__all__ = ['FormatValidPseudoMask', 'LoadScaledImage', 'PseudoLabelMargins']
