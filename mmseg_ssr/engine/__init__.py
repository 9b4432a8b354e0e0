"""Glue on mmcv's runner: configs, checkpoints, resume, evaluation."""
from .runner import SelfTrainingRunner
from .schedule import PolyToHorizonLrUpdaterHook

__all__ = ['PolyToHorizonLrUpdaterHook', 'SelfTrainingRunner']
