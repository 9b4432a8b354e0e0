"""Prediction with SSR's regularization branch, which otherwise only exists in training."""
import copy
from typing import Any, Dict, Tuple

from mmcv import Config
from torch import Tensor, nn

from ...datasets.pipelines.encoder_maps import FOLDER
from ...errors import CheckpointError, ConfigError
from ...models.hrda_encoder_decoder import HRDAEncoderDecoder
from ...uda.losses.regularization_keys import encoder_config
from ...uda.student import map_features
from ..build import build_training_model
from ..checkpoint.files import read_checkpoint
from ..checkpoint.weights import apply_weights
from ..config.values import split_configs
from .inference import plain_segmentor

#: Keys of ``uda`` that describe the regularization branch.
KEPT = ('type', 'sam_model_registry', 'stop_stage', 'sam_checkpoint', 'regularizer')


def student_and_regularizer(cfg: Config, content: Dict[str, Any],
                            path: str) -> Tuple[nn.Module, nn.Module]:
    """Return student and regularizer of a training, with the weights of its checkpoint.

    Args:
        cfg: config of the training.
        content: content of the checkpoint.
        path: path of the checkpoint, for messages.

    Raises:
        ConfigError: the config has no regularizer, or one whose random encoder made maps once.
        CheckpointError: the checkpoint holds no regularizer, or another one.
        MissingFile: the frozen encoder's weights are missing.
    """
    cfg = copy.deepcopy(cfg)
    made_once = any(config.get(FOLDER) for _, config in split_configs(cfg, 'train'))
    if made_once and (encoder_config(cfg.get('uda') or {}) or {}).get('checkpoint', '') is None:
        raise ConfigError(f'{cfg.filename}: its random encoder made maps once, and is not kept: '
                          'its regularization branch can be neither tested nor shown')
    if cfg.get('uda'):  # no teachers and no feature distance
        cfg.uda = dict({key: cfg.uda[key] for key in KEPT if key in cfg.uda}, source_only=True)
    cfg.model['pretrained'] = None
    method = build_training_model(cfg, content.get('meta', {}).get('seed') or 0)
    if getattr(method, 'regularizer', None) is None:
        raise ConfigError(f'{cfg.filename} has no regularizer')
    apply_weights(content, method, path)
    weights = (content.get('training_state') or {}).get('regularizer')
    if not weights:
        raise CheckpointError(f'{path} holds no regularizer: only checkpoints of a training do, '
                              'and not those that are for inference alone')
    try:
        method.regularizer.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f'{path} holds another regularizer than its config says') from error
    return getattr(method, 'model', method), method.regularizer


def predict_regularized(network: nn.Module, cfg: Config, path: str, trusted: bool = False) -> None:
    """Let ``network`` predict from features that the regularizer enhances, from now on.

    The frozen encoder sees each image or window too. It was trained with windows of the training's
    crop size (``slide``).

    Args:
        network: the segmentor of a student or a teacher, on the device of its weights.
        cfg: config of a training with SSR.
        path: path of its checkpoint.
        trusted: see :func:`~mmseg_ssr.engine.checkpoint.files.read_checkpoint`.

    Raises:
        ConfigError: the network is an HRDA, whose crops share the map of one view.
        UserError: see :func:`student_and_regularizer`.
    """
    network = plain_segmentor(network)
    if isinstance(network, HRDAEncoderDecoder):
        raise ConfigError('the regularization branch of HRDA cannot predict: its context crop and '
                          'detail crops share the map of one view')
    _, regularizer = student_and_regularizer(cfg, read_checkpoint(path, trusted), path)
    network.branch = regularizer.eval()  # moves with the network
    plain = network.extract_feat

    def enhanced(img: Tensor) -> Any:
        context = network.branch.encode(img)
        return map_features(plain(img), lambda maps: network.branch(maps, context))

    network.extract_feat = enhanced
