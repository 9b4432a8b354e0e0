"""Adversarial adaptation of the output space (AdaptSegNet, arXiv 1802.10349)."""
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Dict, Mapping, Optional

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from ...errors import ConfigError
from ...regularizer.frozen import OutsideNetwork
from ..keys import KeyGroup, key
from ..update.optimization import restore_gradients, unfinished_gradients
from .levels import LevelWeights, check_level_weights, level_weights

SOURCE, TARGET = 0., 1.
KINDS = {'LS': F.mse_loss, 'Vanilla': F.binary_cross_entropy_with_logits}


@dataclass(frozen=True)
class AdversarialKeys(KeyGroup):
    """Keys of AdvSeg."""

    lambda_adv_target: LevelWeights = key(
        None, 'Weight of the adversarial loss (AdvSeg), written like `lambda_ent`. Each head with '
        'a weight gets a discriminator.')
    discriminator_type: str = key(
        'LS', "Loss of the discriminators: 'LS' (least squares) or 'Vanilla' (cross-entropy).",
        choices=tuple(KINDS))
    lr_D: float = key(
        1e-4, "Learning rate of the discriminators' Adam at the start of the training.", above=0)
    lr_D_power: Optional[float] = key(
        None, 'Power of the polynomial decay of `lr_D` over `max_iters`. None follows the schedule '
        'of the student.')
    lr_D_min: float = key(0., 'Learning rate at the end of that decay.', least=0)

    def check(self) -> None:
        check_level_weights('lambda_adv_target', self.lambda_adv_target)
        if 0 < self.lr_D < self.lr_D_min:
            raise ConfigError(f'uda.lr_D_min must be at most lr_D, {self.lr_D}, got '
                              f'{self.lr_D_min}')

    def build(self, student: nn.Module,
              max_iters: Optional[int]) -> 'Optional[AdversarialAdaptation]':
        weights = level_weights('lambda_adv_target', self.lambda_adv_target, student)
        if not weights:
            return None
        if self.lr_D_power is not None and not max_iters:
            raise ConfigError('uda.lr_D_power needs max_iters, the length of the training')
        return AdversarialAdaptation(
            student.decode_head.num_classes, weights, self.discriminator_type, self.lr_D,
            self.lr_D_power, self.lr_D_min, max_iters)


class Discriminator(nn.Sequential):
    """Fully convolutional network that tells source from target by softmax maps (Sec. 3.3).

    Args:
        num_classes: K of the maps B x K x H x W. The output is B x 1 x H / 32 x W / 32.
        width: output channels of the first of the five convolutions.
    """

    def __init__(self, num_classes: int, width: int = 64):
        channels = [num_classes, width, 2 * width, 4 * width, 8 * width]
        layers = []
        for wide, wider in zip(channels, channels[1:]):
            layers += [nn.Conv2d(wide, wider, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Conv2d(channels[-1], 1, 4, stride=2, padding=1))


class AdversarialAdaptation(OutsideNetwork):
    """Discriminators of source and target predictions, and the student's loss against them.

    Each level of the student (main and auxiliary head) has a discriminator of its own. The
    discriminators learn from the forward passes of the student, with an Adam optimizer of their
    own. They compute in full precision even if the student does not.

    Args:
        num_classes: number of classes of the student.
        weights: weights of the student's loss by level ('main', 'aux').
        kind: 'LS' (least squares) or 'Vanilla' (cross-entropy).
        rate: learning rate of the discriminators at the start.
        rate_power: power of its decay ``(1 - i / max_iters)^power``; None follows the student's
            schedule.
        rate_min: learning rate at the end of the decay.
        max_iters: iterations of the training; needed for ``rate_power``.
    """

    def __init__(self, num_classes: int, weights: Mapping[str, float], kind: str = 'LS',
                 rate: float = 1e-4, rate_power: Optional[float] = None, rate_min: float = 0.,
                 max_iters: Optional[int] = None):
        super().__init__(nn.ModuleDict({
            level: Discriminator(num_classes) for level in weights}))
        self.weights, self.loss = dict(weights), KINDS[kind]
        self.rate, self.rate_power, self.rate_min = rate, rate_power, rate_min
        self.max_iters = max_iters
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=rate, betas=(0.9, 0.99))

    def set_rate(self, iteration: int, student: torch.optim.Optimizer) -> None:
        """Set the learning rate of an iteration.

        Args:
            iteration: number of the iteration, counted from 0.
            student: the student's optimizer, whose learning rate of this iteration is set already.
        """
        if self.rate_power is None:
            group = student.param_groups[0]
            start = group.get('initial_lr')  # set by mmcv's schedules
            share = group['lr'] / start if start else 1.
        else:
            share = max(1 - iteration / self.max_iters, 0) ** self.rate_power
        for group in self.optimizer.param_groups:
            group['lr'] = (self.rate - self.rate_min) * share + self.rate_min

    def forward(self, logits: Mapping[str, Tensor]) -> Dict[str, Tensor]:
        """Return the losses on the target view: ``G_trg.loss.LEVEL`` and ``D_trg.loss.LEVEL``.

        The gradients of the first reach the student alone, those of the second the discriminators
        alone.

        Args:
            logits: B x K x H x W of each level, at the size of the images.
        """
        losses = {}
        for level, weight in self.weights.items():
            frozen = {name: parameter.detach()
                      for name, parameter in self.network[level].named_parameters()}
            losses[f'G_trg.loss.{level}'] = weight * self._loss(
                partial(functional_call, self.network[level], frozen), logits[level], SOURCE)
        return {**losses, **self._learn('D_trg', logits, TARGET)}

    def source_losses(self, logits: Mapping[str, Tensor]) -> Dict[str, Tensor]:
        """Return ``D_src.loss.LEVEL`` of the discriminators, from logits of the source view."""
        return self._learn('D_src', logits, SOURCE)

    def _learn(self, name: str, logits: Mapping[str, Tensor], domain: float) -> Dict[str, Tensor]:
        return {
            f'{name}.loss.{level}': self._loss(discriminator, logits[level].detach(), domain) / 2
            for level, discriminator in self.network.items()}

    def _loss(self, discriminator: Callable[[Tensor], Tensor], logits: Tensor,
              domain: float) -> Tensor:
        """Return the loss of the discriminator's answer for the given domain."""
        with torch.autocast(logits.device.type, enabled=False):
            answer = discriminator(logits.softmax(dim=1))
            return self.loss(answer, torch.full_like(answer, domain))

    def training_state(self, unfinished: bool) -> Dict[str, Any]:
        """Return weights and optimizer.

        Args:
            unfinished: whether to add the gradients of a round that is not finished.
        """
        return dict(network=self.network.state_dict(), optimizer=self.optimizer.state_dict(),
                    gradients=unfinished_gradients(self.network) if unfinished else {})

    def load_training_state(self, state: Mapping[str, Any]) -> None:
        """Load the result of :meth:`training_state`."""
        self.network.load_state_dict(state['network'])
        self.optimizer.load_state_dict(state['optimizer'])
        restore_gradients(self.network, state['gradients'])
