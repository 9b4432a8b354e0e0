"""Evaluation during training."""
import contextlib
import os
from typing import Any, List, Optional

import torch
from mmcv.runner import LoggerHook
from mmseg.core import EvalHook

from ... import distributed
from ...errors import ConfigError, explained, is_wrong_value, said
from ...utils.seeding import seeded
from ..logging.run_log import full_disk
from .evaluate import count, in_order


class EvaluationHook(EvalHook):
    """mmseg's evaluation during training, without a trace in the training's random numbers.

    One that a signal breaks off is made up for when the training is resumed. The log gives the
    training's iteration with the scores, where mmcv gives the number of images.

    Args:
        dataloader: see :func:`~mmseg_ssr.engine.testing.evaluate.evaluation_loader`.
        options: as in mmseg's ``EvalHook``.

    Raises:
        ConfigError: ``data.val`` or ``evaluation`` do not fit the model.
    """

    def make_up(self, runner: Any) -> None:
        """Score and log what was broken off in the iteration that the runner is at."""
        self._do_evaluate(runner)
        for hook in runner.hooks:
            if isinstance(hook, LoggerHook):
                hook.log(runner)
        runner.log_buffer.clear()

    def before_train_iter(self, runner: Any) -> None:
        if runner.iter == 0:  # the evaluation before the training, which mmcv repeats on resuming
            super().before_train_iter(runner)

    def _do_evaluate(self, runner: Any) -> None:
        runner.evaluation_due = True
        # not in inference mode: what a network keeps for later would not do for training
        with seeded(runner.iter), runner.interruption.obeyed_at_once(), torch.no_grad(), \
                explained(failed_evaluation):
            results = count(runner.model, self.dataloader)
        runner.evaluation_due = False
        runner.log_buffer.clear()
        runner.log_buffer.output['eval_iter_num'] = runner.iter + 1
        with explained(failed_evaluation), explained(full_disk(runner.work_dir)):
            score = self.evaluate(runner, results)
        if self.save_best and score is not None:
            self._save_ckpt(runner, score)

    def evaluate(self, runner: Any, results: List[Any]) -> Optional[float]:
        # Counts are small: every process scores them, so that all log buffers stay alike.
        return super().evaluate(runner, in_order(distributed.values_of_all(results)))

    def _save_ckpt(self, runner: Any, key_score: float) -> None:
        """Save the best one, and remove the former best one then: mmcv does it before."""
        if distributed.rank() > 0:
            return
        former, self.best_ckpt_path = self.best_ckpt_path, None
        super()._save_ckpt(runner, key_score)
        if self.best_ckpt_path is None:  # not better
            self.best_ckpt_path = former
            return
        # its name is out of a checkpoint, which may be of another folder: that one's stays
        former = os.path.join(self.out_dir, os.path.basename(former or ''))
        if os.path.basename(former).startswith('best_') and former != self.best_ckpt_path:
            with contextlib.suppress(FileNotFoundError):
                os.remove(former)


def failed_evaluation(error: Exception) -> Optional[ConfigError]:
    """What the libraries raise in an evaluation is a fault of what the config says of it."""
    return ConfigError('the evaluation fails, do data.val, evaluation and model.test_cfg fit the '
                       f'model? {said(error)}') if is_wrong_value(error) else None
