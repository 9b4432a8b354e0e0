"""Glue on mmcv's runner: configs, checkpoints, resume, evaluation."""
from .logging.progress import ProgressLoggerHook
from .training.lr_schedule import PolyToHorizonLrUpdaterHook
from .training.runner import SelfTrainingRunner

__all__ = ['PolyToHorizonLrUpdaterHook', 'ProgressLoggerHook', 'SelfTrainingRunner']
