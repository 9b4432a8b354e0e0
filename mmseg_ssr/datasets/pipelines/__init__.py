"""Loading steps of the data pipelines."""
from .antialiased_resize import AntialiasedResize, ResizeForScore
from .image_loading import LoadScaledImage
from .pseudo_margins import FormatValidPseudoMask, PseudoLabelMargins

__all__ = ['AntialiasedResize', 'FormatValidPseudoMask', 'LoadScaledImage', 'PseudoLabelMargins',
           'ResizeForScore']
