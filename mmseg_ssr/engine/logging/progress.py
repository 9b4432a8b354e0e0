"""The progress of a training in one line."""
import datetime
import logging
import sys
from typing import Any, Dict

import torch
from mmcv.runner import HOOKS, TextLoggerHook

from ... import distributed
from ...utils.device import peak_memory_mb
from .history import read_history

#: Mark of a log line that a terminal shows as a progress bar.
PROGRESS = dict(is_progress=True)


@HOOKS.register_module()
class ProgressLoggerHook(TextLoggerHook):
    """mmcv's ``TextLoggerHook`` with a shorter line: iteration, time left, losses, latest mIoU.

    On a terminal one line is updated in place, and other messages scroll by above it. The log file
    and any other output get a line at each interval. The records in ``<time>.log.json`` are those
    of ``TextLoggerHook``. They also tell the memory of a training on a CPU.

    The arguments are those of ``TextLoggerHook``.
    """

    _bar: Any = None  # tqdm's bar on a terminal
    _redirection: Any = None
    _score = ''

    def before_run(self, runner: Any) -> None:
        super().before_run(runner)
        for record in read_history(runner.work_dir):  # of the resumed training
            if record['iter'] <= runner.iter:
                self._remember(record)
        if sys.stderr.isatty() and distributed.rank() == 0:
            self._open_bar(runner)

    def after_train_iter(self, runner: Any) -> None:
        super().after_train_iter(runner)
        if self._bar is not None:
            self._bar.update(runner.iter + 1 - self._bar.n)

    def after_run(self, runner: Any) -> None:
        super().after_run(runner)
        self._close_bar()

    def _log_info(self, log_dict: Dict[str, Any], runner: Any) -> None:
        if log_dict['mode'] != 'train':
            self._remember(log_dict)
            runner.logger.info(f'evaluation at iteration {log_dict["iter"]}: {_means(log_dict)}')
            return
        if self._bar is not None:
            self._bar.set_postfix_str(self._numbers(log_dict), refresh=False)
        runner.logger.info(f'iter {log_dict["iter"]}/{runner.max_iters}, '
                           f'{self._time(log_dict, runner)}{self._numbers(log_dict)}',
                           extra=PROGRESS)

    def _dump_log(self, log_dict: Dict[str, Any], runner: Any) -> None:
        if log_dict.get('mode') == 'train' and 'memory' not in log_dict:  # mmcv adds it on a GPU
            log_dict = dict(log_dict, memory=peak_memory_mb(torch.device('cpu')))
        super()._dump_log(log_dict, runner)

    def _time(self, log_dict: Dict[str, Any], runner: Any) -> str:
        """Estimate the time left from the mean time of this process's iterations."""
        if 'time' not in log_dict:
            return ''
        self.time_sec_tot += log_dict['time'] * self.interval
        mean = self.time_sec_tot / (runner.iter - self.start_iter + 1)
        left = datetime.timedelta(seconds=int(mean * (runner.max_iters - runner.iter - 1)))
        return f'{left} left, {log_dict["time"]:.3g} s/iter, '

    def _numbers(self, log_dict: Dict[str, Any]) -> str:
        """Return learning rate, total loss, its terms and the latest score as text."""
        rate = log_dict['lr']
        rate = next(iter(rate.values())) if isinstance(rate, dict) else rate
        terms = [f'{name} {value:.4f}' for name, value in log_dict.items()
                 if 'loss' in name and name != 'loss']
        text = f'lr {rate:.2e}, loss {log_dict.get("loss", float("nan")):.4f}'
        if len(terms) > 1:
            text += f' ({", ".join(terms)})'
        return text + self._score

    def _remember(self, record: Dict[str, Any]) -> None:
        if 'mIoU' in record:
            self._score = f', mIoU {100 * record["mIoU"]:.2f} at {record["iter"]}'

    def _open_bar(self, runner: Any) -> None:
        from tqdm import tqdm
        from tqdm.contrib.logging import logging_redirect_tqdm
        self._redirection = logging_redirect_tqdm([runner.logger])
        self._redirection.__enter__()
        for handler in runner.logger.handlers:
            if not isinstance(handler, logging.FileHandler):  # the redirected handler of this run
                handler.addFilter(lambda record: not hasattr(record, 'is_progress'))
        self._bar = tqdm(total=runner.max_iters, initial=runner.iter, desc='train', unit='iter',
                         dynamic_ncols=True, mininterval=0.5)

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._redirection.__exit__(None, None, None)
            self._bar = None


def _means(record: Dict[str, Any]) -> str:
    """Return the scores over all classes as text. The table above it shows those of each class."""
    return ', '.join(f'{name} {100 * value:.2f}' for name, value in record.items()
                     if isinstance(value, float) and '.' not in name and name != 'lr')
