"""Loading steps of the data pipelines."""
from .antialiased_resize import AntialiasedResize, ResizeForScore
from .encoder_maps import CutEncoderMap, PlacesOnMap
from .image_loading import LoadScaledImage
from .pseudo_margins import FormatValidPseudoMask, PseudoLabelMargins

__all__ = ['AntialiasedResize', 'CutEncoderMap', 'FormatValidPseudoMask', 'LoadScaledImage',
           'PlacesOnMap', 'PseudoLabelMargins', 'ResizeForScore']
