"""Pictures of labels and predictions."""
from .overlay import overlay
from .panels import Panel, colorize, draw_legend, draw_panels

__all__ = ['Panel', 'colorize', 'draw_legend', 'draw_panels', 'overlay']
