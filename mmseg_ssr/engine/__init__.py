"""The engine around mmcv's runner: configs, training, checkpoints, resuming and testing."""
from .logging.progress import ProgressLoggerHook
from .training.lr_schedule import PolyToHorizonLrUpdaterHook
from .training.runner import SelfTrainingRunner

__all__ = ['PolyToHorizonLrUpdaterHook', 'ProgressLoggerHook', 'SelfTrainingRunner']
