"""Reading and checking of config files, and reports of their faults."""
from .load import load_config
from .values import experiment_name, max_iterations

__all__ = ['experiment_name', 'load_config', 'max_iterations']
