"""Checks for students that a method cannot train."""
from functools import partial
from typing import Optional

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import WRONG_VALUE, ConfigError, explained, is_wrong_value, said
from .student import encoder_of, heads, trial_losses


def check_one_head(student: nn.Module) -> None:
    """Raise a :class:`ConfigError` if several decode heads follow each other, as in OCRNet."""
    head = student.decode_head
    if isinstance(head, nn.ModuleList):
        names = ', '.join(type(one).__name__ for one in head)
        raise ConfigError(f'uda: {type(student).__name__} has {len(head)} decode heads ({names}), '
                          'each of which refines the one before, but a method trains a single one: '
                          "set model.type='EncoderDecoder' with one decode_head, or remove uda and "
                          'train on the source alone')


def check_class_scores(student: nn.Module) -> None:
    """Raise a :class:`ConfigError` if a head has another number of outputs than classes.

    Pseudo-labels and losses without a label need a softmax over the classes.
    """
    for prefix, head in heads(student).items():
        channels = getattr(head, 'out_channels', head.num_classes)
        if channels != head.num_classes:
            raise ConfigError(f'uda: the {prefix} head has {channels} output channel(s) for '
                              f'{head.num_classes} classes, but losses on target images need '
                              'a probability for each class: remove out_channels')


def check_pixel_weights(student: nn.Module) -> None:
    """Raise a :class:`ConfigError` if a loss ignores the weights of pixels.

    Such a loss would trust all pseudo-labels.
    """
    for prefix, head in heads(student).items():
        nothing = torch.zeros(1, 4, 4)
        label = nothing[None].long()
        with explained(partial(_failing_loss, prefix)):
            trial_losses(head, label)
        try:
            losses = trial_losses(head, label, nothing)
            unweighted = [name for name, value in losses.items() if 'loss' in name and value != 0]
        except WRONG_VALUE:
            unweighted = ['loss_decode']
        if unweighted:
            raise ConfigError(
                f'uda: {", ".join(unweighted)} of the {prefix} head does not weigh single pixels, '
                'which the weights of pseudo-labels need: use losses that do, such as '
                'CrossEntropyLoss')


def check_mean_of_valid(student: nn.Module) -> None:
    """Raise a :class:`ConfigError` if losses are no means over pixels with a weight for each.

    Weights then cannot turn a mean over all pixels into one over the valid ones.
    """
    for prefix, head in heads(student).items():
        label = torch.zeros(1, 1, 4, 4, dtype=torch.long)
        label[..., :2] = head.ignore_index
        weights = [(label != head.ignore_index).squeeze(1).float() * factor for factor in (1., 2.)]
        once, twice = (trial_losses(head, label, weight) for weight in weights)
        for name, value in once.items():
            if 'loss' in name and not torch.allclose(2 * value, twice[name]):
                raise ConfigError(f"uda.source_loss_mean='valid': {name} of the {prefix} head is "
                                  "no mean over the pixels: set it to 'all'")
        terms = head.loss_decode if isinstance(head.loss_decode, nn.ModuleList) else [
            head.loss_decode]
        if any(getattr(term, 'avg_non_ignore', False) for term in terms):
            raise ConfigError(f"uda.source_loss_mean='valid': the {prefix} head's loss_decode is "
                              'such a mean already on all views: set its avg_non_ignore to False')


def _failing_loss(prefix: str, error: Exception) -> Optional[ConfigError]:
    return ConfigError(f'uda: loss_decode of the {prefix} head fails, also without weights of '
                       f'pixels, {said(error)}: mend its arguments'
                       ) if is_wrong_value(error) else None


def check_joint_views(student: nn.Module) -> None:
    """Raise a :class:`ConfigError` if the backbone has batch norm.

    In a joint pass its statistics would mix the views.
    """
    encoder = encoder_of(student)
    encoder.train()  # the network may keep some of its modules in eval mode (norm_eval)
    for name, module in encoder.named_modules():
        if isinstance(module, _BatchNorm) and module.training:
            raise ConfigError(f'uda.joint_views: the backbone has batch norm ({name}), whose '
                              'statistics would mix the views: set it to False')
