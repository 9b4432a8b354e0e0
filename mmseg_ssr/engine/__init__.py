"""Glue on mmcv's runner: configs, checkpoints, resume, evaluation."""
from .progress import ProgressLoggerHook
from .runner import SelfTrainingRunner
from .schedule import PolyToHorizonLrUpdaterHook

__all__ = ['PolyToHorizonLrUpdaterHook', 'ProgressLoggerHook', 'SelfTrainingRunner']
