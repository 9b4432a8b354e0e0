"""Pictures of labels and predictions."""
from .panels import Panel, colorize, draw_panels

__all__ = ['Panel', 'colorize', 'draw_panels']
