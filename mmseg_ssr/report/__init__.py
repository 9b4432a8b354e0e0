"""One HTML page about one or several trainings, from what they have left in their folders."""
from .at_end import report_at_end

__all__ = ['report_at_end']
