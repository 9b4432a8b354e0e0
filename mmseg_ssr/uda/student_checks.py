"""Checks for students that a method cannot train."""
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import WRONG_VALUE, ConfigError
from .student import encoder_of, heads, weighted_losses


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
        try:
            losses = weighted_losses(
                head, torch.zeros(1, head.num_classes, 4, 4), nothing[None].long(), nothing)
            unweighted = [name for name, value in losses.items() if 'loss' in name and value != 0]
        except WRONG_VALUE:
            unweighted = ['loss_decode']
        if unweighted:
            raise ConfigError(
                f'uda: {", ".join(unweighted)} of the {prefix} head does not weigh single pixels, '
                'which the weights of pseudo-labels need: use losses that do, such as '
                'CrossEntropyLoss')


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
