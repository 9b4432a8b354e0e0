"""mmcv's iteration-based runner with checkpoints that resume a training bit for bit."""
import logging
import os
from typing import Any, Dict, Optional

import torch
from mmcv.parallel import is_module_wrapper
from mmcv.runner import RUNNERS, IterBasedRunner, LoggerHook
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ... import distributed
from ...errors import WRONG_VALUE, CheckpointError, Interrupted, UserError, said
from ...methods import UDASegmentor
from ...uda import NotFinite
from ...utils.signals import Interruption
from ..checkpoint.files import point_latest_at, read_checkpoint, remove_old, write_checkpoint
from ..checkpoint.random_state import random_state, restore_random_state, seed_process
from ..checkpoint.resume import check_restored, check_resumable, check_same_optimizer
from ..checkpoint.weights import RESUME, apply_weights, load_weights
from ..on_device import OnDevice
from ..testing.hook import EvaluationHook
from .hook_tensors import HookTensors
from .log_buffer import DeferredLogBuffer
from .non_finite import report


@RUNNERS.register_module()
class SelfTrainingRunner(IterBasedRunner):
    """Runner for any mmseg segmentor and for the methods of :mod:`mmseg_ssr.uda`.

    If a model has ``training_state()`` and ``load_training_state(state)``, that state is saved and
    restored beside its weights: teachers, counters of frozen parts, and regularizer.

    Args:
        model, optimizer, work_dir, logger, meta, max_iters, batch_processor: as in mmcv.
        max_keep_ckpts: number of checkpoints ``iter_N.pth`` that are kept. -1 keeps all.
    """

    def __init__(self,
                 model: nn.Module,
                 batch_processor: None = None,
                 optimizer: Optional[torch.optim.Optimizer] = None,
                 work_dir: Optional[str] = None,
                 logger: Optional[logging.Logger] = None,
                 meta: Optional[dict] = None,
                 max_iters: Optional[int] = None,
                 max_keep_ckpts: int = 2):
        if isinstance(model, DistributedDataParallel) and isinstance(model.module, UDASegmentor):
            # mmseg's own script wraps the model so. The wrapper expects one backward pass in an
            # iteration. A method makes several and averages their gradients itself.
            model = OnDevice(model.module, next(model.parameters()).device)
        super().__init__(model, batch_processor=batch_processor, optimizer=optimizer,
                         work_dir=work_dir, logger=logger, meta=meta, max_iters=max_iters)
        self.log_buffer = DeferredLogBuffer()
        self.hook_tensors = HookTensors(self.bare_model)
        self.max_keep_ckpts = max_keep_ckpts
        self.interruption = Interruption(at_once=False)
        self._host_group = distributed.host_group()
        #: Whether an evaluation has begun and is not over. Resuming then repeats it.
        self.evaluation_due = False
        self._resumed: Optional[Dict[str, Any]] = None
        self.links_latest = True  # also for the checkpoint that it saves after a signal
        self._saved_at = -1
        self._called = ''

    @property
    def bare_model(self) -> nn.Module:
        return self.model.module if is_module_wrapper(self.model) else self.model

    def run(self, *args: Any, **kwargs: Any) -> None:
        """Train to the end.

        Raises:
            Interrupted: a signal has come. The iteration that ran then is finished and saved.
        """
        with self.interruption:
            super().run(*args, **kwargs)

    def call_hook(self, fn_name: str) -> None:
        self._called = fn_name
        super().call_hook(fn_name)
        if fn_name == 'before_run':
            self.hook_tensors.check()
        elif fn_name == 'before_train_iter':
            self.hook_tensors.fill()  # of hooks that make them so late
        elif fn_name == 'before_epoch':
            # Not earlier: loaders may draw random numbers when they start, and loggers clear the
            # buffer.
            self._restore()
        elif fn_name == 'after_train_iter':
            self._share_interruption()
            self.interruption.obey()

    def train(self, data_loader: Any, **kwargs: Any) -> None:
        """Run one iteration."""
        if distributed.world_size() > 1:
            seed_process((self.meta or {}).get('seed') or 0, self.iter)
        before = random_state()
        try:
            super().train(data_loader, **kwargs)
        except NotFinite as error:
            if error.late:  # the faulty iteration is over, or its state is gone
                raise
            content = self._content(self.iter, {}, save_optimizer=False)
            content['random_state'] = before
            raise report(error, content, self.data_batch, self.work_dir) from error
        except Interrupted as error:
            if self._called == 'after_train_iter':
                self._save_for(error)
            else:  # the signal came in the evaluation before the training
                error.message += ' before the first iteration: there is nothing to save'
            raise

    def save_checkpoint(self,
                        out_dir: str,
                        filename_tmpl: str = 'iter_{}.pth',
                        meta: Optional[dict] = None,
                        save_optimizer: bool = True,
                        create_symlink: bool = True) -> None:
        """Write the state after the current iteration. Only process 0 writes."""
        if distributed.rank() > 0:
            return
        path = os.path.join(out_dir, filename_tmpl.format(self.iter + 1))
        self._flush_logs()
        write_checkpoint(self._content(self.iter + 1, meta or {}, save_optimizer), path)
        if create_symlink:
            point_latest_at(path)
        if filename_tmpl == 'iter_{}.pth':
            self._saved_at = self.iter
        remove_old(out_dir, self.max_keep_ckpts)

    def load_checkpoint(self, filename: str, map_location: Any = 'cpu', strict: bool = True,
                        revise_keys: Any = None) -> dict:
        """Load the student's weights from another training (``--load-from``)."""
        self.logger.info('load weights from %s', filename)
        return load_weights(self.bare_model, filename)

    def resume(self, checkpoint: str, resume_optimizer: bool = True,
               map_location: Any = 'cpu') -> None:
        """Go on from the checkpoint file as if the training had never been interrupted.

        Raises:
            CheckpointError: another runner wrote the file, it fits another model, or it is past
                the end of this training.
        """
        self.go_on_from(read_checkpoint(checkpoint), checkpoint)

    def go_on_from(self, content: Dict[str, Any], path: str) -> None:
        """Do the work of :meth:`resume` with a checkpoint that has been read already."""
        check_resumable(content, self.bare_model, self.max_iters, path)
        apply_weights(content, self.bare_model, path, remedy=RESUME)
        try:
            check_same_optimizer(content, self.optimizer, str((self.meta or {}).get('config')),
                                 path)
            if hasattr(self.bare_model, 'load_training_state'):
                self.bare_model.load_training_state(content['training_state'])
            self.optimizer.load_state_dict(content['optimizer'])
            check_restored(content, self.optimizer)
        except UserError:
            raise
        except WRONG_VALUE as error:
            raise CheckpointError(f'{path} does not fit the training of this config: {said(error)};'
                                  f' {RESUME}') from error
        self._iter = self._inner_iter = content['meta']['iter']
        self.evaluation_due = content.get('evaluation_due', False)
        self._resumed = {key: content[key] for key in ('random_state', 'log_buffer')}
        self.hook_tensors.give_back(content.get('hook_tensors', {}))
        self.meta = {**(self.meta or {}), 'hook_msgs': content['meta'].get('hook_msgs', {}),
                     'iter': self.iter}  # written to the head of the log
        self.logger.info('resumed from %s at iteration %d', path, self.iter)

    def _content(self, iteration: int, meta: dict, save_optimizer: bool) -> dict:
        content = dict(
            meta={**meta, **(self.meta or {}), 'epoch': self.epoch + 1, 'iter': iteration},
            state_dict=self.hook_tensors.own_state(),
            hook_tensors=self.hook_tensors.found(),
            random_state=random_state(),
            evaluation_due=self.evaluation_due,
            log_buffer=self._unlogged())
        if hasattr(self.bare_model, 'training_state'):
            content['training_state'] = self.bare_model.training_state()
        if save_optimizer:
            content['optimizer'] = self.optimizer.state_dict()
        return content

    def _restore(self) -> None:
        """Restore random state and log from the checkpoint, and make up for its evaluation."""
        self.log_buffer.window = self._log_window()
        self.hook_tensors.fill()
        if self._resumed is not None:
            restore_random_state(self._resumed['random_state'])
            self.log_buffer.val_history.update(self._resumed['log_buffer']['values'])
            self.log_buffer.n_history.update(self._resumed['log_buffer']['counts'])
            self._resumed = None
        if self.evaluation_due:
            self.mode, self._iter = 'train', self._iter - 1  # the iteration that was evaluated
            for hook in self.hooks:
                if isinstance(hook, EvaluationHook):
                    hook.make_up(self)
            self.evaluation_due = False
            self.save_checkpoint(self.work_dir, create_symlink=self.links_latest)
            self._iter += 1

    def _share_interruption(self) -> None:
        """Let all processes obey a signal that one of them got, at the same iteration."""
        self.interruption.signum = distributed.largest(
            self.interruption.signum or 0, self._host_group) or None

    def _save_for(self, interrupted: Interrupted) -> None:
        """Save the current iteration, unless it is saved already, and log that."""
        if self._saved_at != self.iter:
            self.save_checkpoint(self.work_dir, create_symlink=self.links_latest)
        interrupted.message += f' after iteration {self.iter + 1}, which is saved'
        self.logger.info(interrupted.message)

    def _flush_logs(self) -> None:
        """Write what loggers hold back, because a resumed training does not log it again."""
        for hook in self.hooks:
            if hasattr(getattr(hook, 'writer', None), 'flush'):
                hook.writer.flush()

    def _log_window(self) -> int:
        """Return the number of values that the loggers average over."""
        return max((h.interval for h in self.hooks if isinstance(h, LoggerHook)), default=1)

    def _unlogged(self) -> Dict[str, Dict[str, list]]:
        """Return the newest values of the log buffer, as many as a logger averages over."""
        window, buffer = self._log_window(), self.log_buffer
        buffer.read()
        return {name: {key: values[-window:] for key, values in history.items()} for name, history
                in (('values', buffer.val_history), ('counts', buffer.n_history))}
