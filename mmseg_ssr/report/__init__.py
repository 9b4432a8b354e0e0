"""One HTML page about one or several trainings, made from the files in their work directories."""
from .at_end import report_at_end

__all__ = ['report_at_end']
