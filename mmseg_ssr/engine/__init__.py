"""Glue on mmcv's runner: configs, checkpoints, resume, evaluation."""
from .runner import SelfTrainingRunner

__all__ = ['SelfTrainingRunner']
