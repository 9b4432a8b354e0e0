"""A trained model in one file: the weights with their config and classes."""
import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from mmcv import Config
from mmseg.datasets.builder import DATASETS
from torch import nn

from ..engine.build import build_test_model, class_names
from ..engine.checkpoint.files import read_checkpoint
from ..engine.checkpoint.weights import apply_weights
from ..engine.config.load import load_config, tidy
from ..engine.config.saved import read_plain_config
from ..engine.config.values import datasets_in
from ..errors import CheckpointError, ConfigError
from ..labels.class_table import ClassTable
from ..migration.from_mmseg1 import is_of_mmseg1, meta_of, to_mmseg0
from ..utils.atomic_file import PathLike
from ..weights import safetensors_file

#: Largest number of classes: predictions are 8-bit images, in which 255 means ignore.
MOST_CLASSES = 255


class ModelFile(NamedTuple):
    """The content of the file. The network is not built yet.

    Attributes:
        path: path of the file.
        content: content of the checkpoint.
        cfg: the config in the checkpoint, or the one that was given.
    """
    path: str
    content: Dict[str, Any]
    cfg: Config

    @property
    def meta(self) -> Dict[str, Any]:
        """Metadata of the training; an empty dict in a file of weights alone."""
        return self.content.get('meta') or {}


def read_model(path: PathLike, config: Optional[PathLike] = None,
               trusted: bool = False) -> ModelFile:
    """Read a checkpoint of ours, mmseg's or the predecessors', or a ``.safetensors`` file of ours.

    Args:
        config: a config file to use if the checkpoint has none, or instead of its own.
        trusted: see :func:`~mmseg_ssr.engine.checkpoint.files.read_checkpoint`.

    Raises:
        MissingFile, CheckpointError: the file cannot be read or holds no config.
        ConfigError: see :func:`~mmseg_ssr.engine.config.load.load_config`.
    """
    path = os.fspath(path)
    content = (safetensors_file.read(path) if path.endswith(safetensors_file.SUFFIX)
               else read_checkpoint(path, trusted))
    content = dict(content, meta=meta_of(content.get('meta')))
    cfg = config_in(content, path) if config is None else load_config(os.fspath(config))
    if not isinstance(cfg.get('model'), dict):
        raise ConfigError(f'{cfg.filename}: no model = dict(...) in it')
    return ModelFile(path, content, cfg)


def config_in(content: Dict[str, Any], path: str) -> Config:
    """Read the config that a training stored in its checkpoint.

    Args:
        path: path of the checkpoint, for messages.

    Raises:
        CheckpointError: the checkpoint has no config, or it cannot be read.
    """
    meta = content.get('meta')
    text = None
    if isinstance(meta, dict):
        text = meta.get('config', meta.get('cfg'))  # ours and mmcv's, or mmengine's
    if not isinstance(text, str):
        raise CheckpointError(f'{path} holds no config, as files of weights alone: give the one '
                              'that it was trained with (--config FILE)')
    cfg = read_plain_config(text, path)
    return tidy(Config(to_mmseg0(cfg)) if is_of_mmseg1(cfg) else cfg)


def build_network(model: ModelFile, weights: str = 'student') -> nn.Module:
    """Build the shadow branch: a plain segmentor in eval mode with its weights, on the CPU.

    Args:
        weights: ``'student'`` or ``'teacher'``.

    Raises:
        ConfigError, CheckpointError: config and weights do not fit, or the classes are too many.
    """
    network = build_test_model(model.cfg)
    apply_weights(model.content, network, model.path, weights)
    if network.num_classes > MOST_CLASSES:
        raise ConfigError(f'{model.path} has {network.num_classes} classes, at most '
                          f'{MOST_CLASSES} fit into a prediction')
    network.CLASSES, network.PALETTE = classes_of(model, network)
    return network.eval()


def classes_of(model: ModelFile, network: nn.Module
               ) -> Tuple[Tuple[str, ...], List[Sequence[int]]]:
    """Names and colors (R, G, B) of the classes.

    They come from the checkpoint, else from the data set of ``data.test``. Without either,
    classes get numbers and drawn colors.
    """
    count = max(2, network.num_classes)
    noted = [(model.meta.get('CLASSES'), model.meta.get('PALETTE')), _of_dataset(model.cfg)]
    names = next((tuple(names) for names, _ in noted if names and len(names) == count),
                 tuple(f'class {k}' for k in range(count)))
    drawn = ClassTable.from_config(names).palette
    return names, next(([list(map(int, color)) for color in palette] for _, palette in noted
                        if palette is not None and len(palette) == count), drawn)


def _of_dataset(cfg: Config) -> Tuple[Optional[tuple], Optional[list]]:
    _, dataset = next(datasets_in((cfg.get('data') or {}).get('test'), 'data.test'), ('', {}))
    kind = dataset.get('type')
    return class_names(DATASETS.get(kind) if isinstance(kind, str) else None)
