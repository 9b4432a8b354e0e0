"""The hook that evaluates during training."""
import contextlib
import os
from typing import Any, List, Optional

import torch
from mmcv.runner import LoggerHook
from mmseg.core import EvalHook

from ... import distributed
from ...errors import TRACEBACK, ConfigError, explained, is_wrong_value, said
from ...utils.seeding import seeded
from ..logging.run_log import full_disk
from .evaluate import count, in_order


class EvaluationHook(EvalHook):
    """mmseg's evaluation during training, with no effect on the training's random numbers.

    If a signal stops an evaluation, the resumed training repeats it. The log shows the scores with
    the training's iteration. mmcv would show the number of images.

    Args:
        dataloader: see :func:`~mmseg_ssr.engine.testing.evaluate.evaluation_loader`.
        options: as in mmseg's ``EvalHook``.

    Raises:
        ConfigError: ``data.val`` or ``evaluation`` does not fit the model.
    """

    def make_up(self, runner: Any) -> None:
        """Repeat and log the evaluation that was stopped in the runner's iteration."""
        self._do_evaluate(runner)
        for hook in runner.hooks:
            if isinstance(hook, LoggerHook):
                hook.log(runner)
        runner.log_buffer.clear()

    def before_train_iter(self, runner: Any) -> None:
        if runner.iter == 0:  # mmcv would repeat the evaluation before the training on resuming
            super().before_train_iter(runner)

    def _do_evaluate(self, runner: Any) -> None:
        runner.evaluation_due = True
        # not in inference mode: a network cannot train with tensors that it keeps from there
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
        # Every process scores, so that all log buffers stay alike. The counts are small.
        return super().evaluate(runner, in_order(distributed.values_of_all(results)))

    def _save_ckpt(self, runner: Any, key_score: float) -> None:
        """Save the best checkpoint, then remove the former best one. mmcv removes it first."""
        if distributed.rank() > 0:
            return
        former, self.best_ckpt_path = self.best_ckpt_path, None
        super()._save_ckpt(runner, key_score)
        if self.best_ckpt_path is None:  # not better
            self.best_ckpt_path = former
            return
        # the former name may come from a checkpoint of another folder, whose file must stay
        former = os.path.join(self.out_dir, os.path.basename(former or ''))
        if os.path.basename(former).startswith('best_') and former != self.best_ckpt_path:
            with contextlib.suppress(FileNotFoundError):
                os.remove(former)


def failed_evaluation(error: Exception) -> Optional[ConfigError]:
    """Explain an error that a library raises in an evaluation as a fault of the config."""
    return ConfigError(f'the evaluation on data.val fails, {said(error)}: {TRACEBACK}=1 shows '
                       'which part of data.val, evaluation or model.test_cfg it comes from'
                       ) if is_wrong_value(error) else None
