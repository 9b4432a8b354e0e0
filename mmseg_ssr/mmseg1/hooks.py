"""The state of a method in the checkpoints of mmengine's runner."""
from typing import Any, Dict

from mmengine.hooks import EMAHook, Hook
from mmengine.logging import HistoryBuffer
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import nn

from .. import distributed
from ..errors import CheckpointError, ConfigError
from ..uda.replicas import check_replicas, share_networks
from ..utils.registration import register
from ..weights.plain import plain
from .segmentor import check_optimizer
from .training_checks import check_classes, check_pairs, check_resumable, check_weights

#: Key of the training state in a checkpoint, as in those of mmseg 0.x.
STATE = 'training_state'


@register(HOOKS)
class TrainingStateHook(Hook):
    """Saves and restores what a checkpoint needs besides the student.

    That is the teacher, the regularizer, the iteration and all else that a method or an
    ``SSREncoderDecoder`` trains. Without it, a method refuses to train. The hook also turns the
    runner's history into plain lists. So a checkpoint can be read without running code in it.

    Raises:
        ConfigError: the optimizer or another hook does what a method does by itself, or data,
            heads and length of the training do not fit together.
        UserError: after the first iteration, several processes have different networks.
        CheckpointError: a checkpoint holds no weight of the model, or one that is resumed has no
            training state, or that of another method.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._compared = False

    def before_run(self, runner: Runner) -> None:
        model = _model(runner)
        if not hasattr(model, 'saves_state'):
            return
        model.saves_state = True
        if any(isinstance(hook, EMAHook) for hook in runner.hooks):
            raise ConfigError('custom_hooks: EMAHook averages the weights of a student whose '
                              'teacher is an average already: remove it, and set model.alpha')

    def before_train(self, runner: Runner) -> None:
        if hasattr(_model(runner), 'training_state'):
            check_classes(runner, _model(runner))
        check_pairs(runner, _model(runner))
        if hasattr(_model(runner), 'saves_state'):
            check_optimizer(runner.optim_wrapper)
            share_networks(_model(runner))

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: Any = None) -> None:
        if not self._compared and distributed.world_size() > 1:
            check_replicas(_model(runner), f'after iteration {runner.iter + 1}')
        self._compared = True

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        model = _model(runner)
        if hasattr(model, 'training_state'):
            checkpoint[STATE] = model.training_state()
        hub = checkpoint['message_hub']
        hub['log_scalars'] = {name: [values.tolist() for values in history.data]
                              for name, history in hub['log_scalars'].items()}
        checkpoint.update(plain(checkpoint))

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for name, values in scalars.items():
            if isinstance(values, list):
                scalars[name] = HistoryBuffer(*values)
        model = _model(runner)
        check_weights(checkpoint, model)
        if not runner._resume or not hasattr(model, 'load_training_state'):
            return
        check_resumable(checkpoint, STATE)
        try:
            model.load_training_state(checkpoint[STATE])
        except ValueError as error:
            raise CheckpointError(f'the checkpoint cannot be resumed: {error}') from error


def _model(runner: Runner) -> nn.Module:
    """Return the segmentor of a runner without the wrapper of several processes."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
