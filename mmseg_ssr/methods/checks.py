"""What a method refuses: values of keys, and students that it cannot train."""
from typing import Any, Dict, List, Optional, Sequence

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import WRONG_VALUE, ConfigError, nearest
from ..uda import student as interface
from .segmentor import encoder_of


def check_choice(key: str, value: Any, only: str) -> None:
    if value != only:
        raise ConfigError(f'uda.{key} must be {only!r}, got {value!r}')


def check_share(key: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f'uda.{key} must be in [0, 1], got {value}')


def check_not_negative(**values: float) -> None:
    for key, value in values.items():
        if not value >= 0:
            raise ConfigError(f'uda.{key} must be at least 0, got {value}')


def check_keys(key: str, value: Optional[Dict[str, Any]], valid: Sequence[str],
               needed: Sequence[str] = ()) -> None:
    """``value`` is None or a dict with keys out of ``valid``, those ``needed`` among them."""
    if value is None:
        return
    if not isinstance(value, dict):
        raise ConfigError(f'uda.{key} must be a dict with the keys {", ".join(valid)}, got '
                          f'{value!r}')
    for name in value:
        if name not in valid:
            raise ConfigError(f'unknown key uda.{key}.{name}{nearest(name, valid)}, valid keys '
                              f'are {", ".join(valid)}')
    for name in needed:
        if name not in value:
            raise ConfigError(f'uda.{key} needs the key {name}, got {dict(value)}')


def check_targets(needed: Optional[str], source_only: bool,
                  terms: Dict[str, Optional[nn.Module]]) -> List[nn.Module]:
    """The losses on target images that are switched on, of those by the keys of their weights.

    A method has the one that it is named after, and target images where there are any.
    """
    if needed is not None and not source_only and terms[needed] is None:
        raise ConfigError(f'uda: this method needs {needed}, the weight of its loss on target '
                          'images, above 0 for a head that the student has')
    given = [key for key, term in terms.items() if term is not None]
    if source_only and given:
        raise ConfigError('uda.source_only=True trains without target images, but '
                          f'{", ".join(given)} is a loss on them: remove one of the two')
    return [terms[key] for key in given]


def check_student(student: nn.Module, has_targets: bool, has_teachers: bool,
                  joint_views: bool) -> None:
    """The parts of the method can train the student.

    Raises:
        ConfigError: its head, its losses or its backbone do not allow it.
    """
    if has_targets:
        check_class_scores(student)
    if has_teachers:
        check_pixel_weights(student)
    if joint_views:
        check_joint_views(student)


def check_class_scores(student: nn.Module) -> None:
    """Labels and losses without a label are made of a softmax over the classes."""
    for prefix, head in interface.heads(student).items():
        channels = getattr(head, 'out_channels', head.num_classes)
        if channels != head.num_classes:
            raise ConfigError(f'uda: the {prefix} head has {channels} output channel(s) for '
                              f'{head.num_classes} classes, but target images are learned from by '
                              'a probability of each class: remove out_channels')


def check_pixel_weights(student: nn.Module) -> None:
    """Pseudo-labels count by their weights: a loss that cannot weigh pixels would trust all."""
    for prefix, head in interface.heads(student).items():
        nothing = torch.zeros(1, 4, 4)
        try:
            losses = interface.weighted_losses(
                head, torch.zeros(1, head.num_classes, 4, 4), nothing[None].long(), nothing)
            unweighted = [name for name, value in losses.items() if 'loss' in name and value != 0]
        except WRONG_VALUE:
            unweighted = ['loss_decode']
        if unweighted:
            raise ConfigError(
                f'uda: {", ".join(unweighted)} of the {prefix} head does not weigh single pixels, '
                'which the weights of pseudo-labels need: use losses that do, such as '
                'CrossEntropyLoss')


def check_neck(student: nn.Module) -> None:
    """The published distance is to pretrained features: a neck that starts random has none."""
    neck = getattr(student, 'neck', None)
    if neck is not None and any(True for _ in neck.parameters()):
        raise ConfigError(
            f'uda.imnet_feature_dist_lambda: the features behind the neck {type(neck).__name__} '
            'have no pretrained counterpart to stay near: set it to 0, or give '
            'imnet_feature_dist_encoder')


def check_joint_views(student: nn.Module) -> None:
    """Views may share a backbone pass only where no batch norm mixes their statistics."""
    encoder = encoder_of(student)
    encoder.train()  # all but what the network itself keeps in eval mode (norm_eval)
    for name, module in encoder.named_modules():
        if isinstance(module, _BatchNorm) and module.training:
            raise ConfigError(f'uda.joint_views: the backbone has batch norm ({name}), whose '
                              'statistics would mix the views: set it to False')
