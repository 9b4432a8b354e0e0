"""The methods by the names that configs use: from config keys to the parts of the step."""
import inspect
from copy import deepcopy
from typing import Any, Dict, Mapping, Optional, Union

import torch
from torch import nn

from ..errors import ConfigError, Problems, explained, nearest
from ..host import (
    LINE,
    LOSSES,
    METHODS,
    SEGMENTORS,
    TRAIN_CFG,
    ConfigDict,
    in_its_words,
    logger,
    preprocessing,
)
from ..models.ssr_encoder_decoder import SSREncoderDecoder
from ..uda.execution import ExecutionKeys, to_channels_last
from ..uda.keys import part
from ..uda.losses.loss_term import LossTerm
from ..uda.method_keys import MethodKeys, built, check_names, fields
from ..utils.registration import register

if LINE == 0:
    from .segmentor import UDASegmentor
else:
    from ..mmseg1.segmentor import UDASegmentor

#: Arguments of a method that are mmseg's. They belong to no group of keys.
BUILDER_KEYS = ('model', 'pretrained', 'train_cfg', 'test_cfg', 'data_preprocessor')


class Method(UDASegmentor):
    """Base class of all methods. Their keys switch the parts of the step on.

    The registered classes below differ in whether ClassMix and its teacher are on, and in the keys
    that they need. Each takes the keys of the others as well: ``type='DACS'`` with
    ``lambda_ent=0.001`` is DACS with entropy minimization.

    Args:
        model: the student, as a segmentor's config or as the segmentor itself.
        pretrained, test_cfg: settings of the student, used if its own config has none.
        train_cfg: None builds for inference, see :func:`is_for_inference`.
        data_preprocessor: as in mmseg 1.x, for the images of both domains. None takes the
            student's.
        keys: keys of :class:`~mmseg_ssr.uda.method_keys.MethodKeys` (docs/config.md).

    Raises:
        ConfigError: values are not valid (one line each).
    """

    class_mix = False
    needs_regularizer = False
    #: Key of the loss weight that the method is named after.
    needed: Optional[str] = None
    execution = ExecutionKeys()

    def __init__(self,
                 model: Union[dict, nn.Module, None] = None,
                 pretrained: Optional[str] = None,
                 train_cfg: Optional[dict] = TRAIN_CFG,
                 test_cfg: Optional[dict] = None,
                 data_preprocessor: Optional[dict] = None,
                 **keys: Any):
        with explained(in_its_words):
            self._build(build_student(model, test_cfg, pretrained), train_cfg,
                        preprocessing(data_preprocessor), keys)

    def _build(self, student: nn.Module, train_cfg: Optional[dict], own: Dict[str, Any],
               keys: Dict[str, Any]) -> None:
        """Build the parts of the step, or none for inference. ``own`` is what mmseg asks for."""
        if is_for_inference(train_cfg, keys):
            check_names(keys)
            super().__init__(student, **own)
            return
        read = self.check_keys(keys)
        super().__init__(student, **own, **read.parts(
            student, self.class_mix, build_component, warn, self.needed))
        self.debug_img_interval = read.training.debug_img_interval
        self.execution = read.execution
        self.execution.apply(self)

    def init_weights(self) -> None:
        """Initialize the networks with the same numbers in each memory format.

        Random numbers fill a tensor in the order of its memory.
        """
        self.to(memory_format=torch.contiguous_format)
        super().init_weights()
        if self.execution.channels_last:
            to_channels_last(self)

    @classmethod
    def check_keys(cls, keys: Mapping[str, Any]) -> MethodKeys:
        """Return the keys in their groups.

        Raises:
            ConfigError: keys are unknown, wrong or missing (one line each).
        """
        problems = Problems()
        problems.tried(cls._check_needed, keys)
        read = problems.tried(
            MethodKeys.read, {name: keys[name] for name in keys if name not in BUILDER_KEYS})
        problems.report()
        return read

    @classmethod
    def _check_needed(cls, keys: Mapping[str, Any]) -> None:
        encoder = keys.get('sam_model_registry'), keys.get('regularizer')
        if cls.needs_regularizer and encoder == (None, None):
            raise ConfigError("uda: SSR needs sam_model_registry='vit_b' (or 'vit_l', 'vit_h', "
                              "'vit_t'), or regularizer=dict(...)")
        if cls.needed and not keys.get(cls.needed) and not keys.get('source_only'):
            raise ConfigError(f'uda: this method needs {cls.needed}, the weight of its loss on '
                              'target images, above 0')


def is_for_inference(train_cfg: Optional[dict], keys: Mapping[str, Any]) -> bool:
    """Whether a method is built without what only its training needs.

    A config of mmseg 1.x says ``train_cfg=None`` then, as ``init_model`` makes it. mmseg 0.x builds
    a training without ``train_cfg`` too. There, ``max_iters`` is given to trainings alone.
    """
    return train_cfg is None and (LINE == 1 or keys.get('max_iters') is None)


def signature() -> inspect.Signature:
    """Return a signature with all keys as arguments, with their kinds and defaults."""
    own = list(inspect.signature(Method.__init__).parameters.values())
    keys = [inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default,
                              annotation=field.type) for field in fields().values()]
    return inspect.Signature([*own[:2], *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
                                          for p in [*keys, *own[2:-1]])])


Method.__init__.__signature__ = signature()  # configs are checked against it


def warn(text: str) -> None:
    """Log a warning. A method keeps this function, since a logger cannot be copied everywhere."""
    logger().warning(text)


def build_student(model: Union[dict, nn.Module, None], test_cfg: Optional[dict] = None,
                  pretrained: Optional[str] = None) -> nn.Module:
    """Build the plain segmentor of a config, or return one that is built already.

    Raises:
        ConfigError: it is no segmentor's config, or trains in a way of its own.
    """
    if not isinstance(model, nn.Module):
        if not isinstance(model, Mapping) or 'type' not in model:
            raise ConfigError("uda: a method goes around a student: give model=dict(type='"
                              f"EncoderDecoder', backbone=..., decode_head=...), got {model!r}")
        config = ConfigDict(deepcopy(model))  # mmseg reads its options as attributes
        for name, value in dict(test_cfg=test_cfg, pretrained=pretrained).items():
            if value is not None:
                config.setdefault(name, value)
        model = SEGMENTORS.build(config)
    if isinstance(model, Method):
        raise ConfigError(f'uda: the student is a method itself, {type(model).__name__}: give its '
                          'keys to one method, around a plain segmentor')
    if isinstance(model, SSREncoderDecoder):
        raise ConfigError('uda: the model is an SSREncoderDecoder, which trains its regularizer '
                          "without uda alone: set model.type='EncoderDecoder', and "
                          "uda.type='SSR' with uda.regularizer=...")
    return model


def build_component(place: str, config: Any, kind: type) -> nn.Module:
    """Build a term or a view of the user's own by its name in mmseg's registry of models.

    Args:
        place: place of the config in the whole config, for errors.
        config: config of the component, or the component itself.
        kind: class that it must be derived from.

    Raises:
        ConfigError: the name is unknown, or its class is not derived from ``kind``.
    """
    if not isinstance(config, dict):
        return built(place, config, kind)
    if config['type'] not in LOSSES.module_dict:
        raise ConfigError(f'unknown {place}.type {config["type"]!r}'
                          f'{nearest(config["type"], LOSSES.module_dict)}')
    component = part(LOSSES.build, config)
    if not isinstance(component, kind):
        hint = ('; losses of logits and labels go to model.decode_head.loss_decode'
                if kind is LossTerm else '')
        raise ConfigError(f'{place}: {config["type"]} is no mmseg_ssr.uda.{kind.__name__}{hint}')
    return component


class DACS(Method):
    """Self-training with ClassMix (arXiv 2007.08702). DAFormer and MIC are keys of it."""

    class_mix = True


class SSR(DACS):
    """DACS that needs a regularization branch (arXiv 2401.14686)."""

    needs_regularizer = True


class MinEnt(Method):
    """Entropy minimization on target images (ADVENT, arXiv 1811.12833)."""

    needed = 'lambda_ent'


class MaxSquare(Method):
    """Maximum squares loss on target images (arXiv 1909.13589), with IW and Multi as keys."""

    needed = 'lambda_max_square'


class AdvSeg(Method):
    """Adversarial adaptation of the output space (AdaptSegNet, arXiv 1802.10349)."""

    needed = 'lambda_adv_target'


for registry in METHODS:
    for method in (DACS, SSR, MinEnt, MaxSquare, AdvSeg):
        register(registry)(method)
