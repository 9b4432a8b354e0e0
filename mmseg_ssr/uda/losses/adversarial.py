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
    """AdvSeg."""

    lambda_adv_target: LevelWeights = key(
        None, 'Weights of the adversarial loss (AdvSeg), as of `lambda_ent`; each head gets a '
        'discriminator.')
    discriminator_type: str = key('LS', "'LS' (least squares) or 'Vanilla' (cross-entropy).",
                                  choices=tuple(KINDS))
    lr_D: float = key(1e-4, "Learning rate of the discriminators' Adam.", above=0)
    lr_D_power: Optional[float] = key(
        None, "Of its polynomial decay over `max_iters`; None follows the student's schedule.")
    lr_D_min: float = key(0., 'Where that ends.', least=0)

    def check(self) -> None:
        check_level_weights('lambda_adv_target', self.lambda_adv_target)
        if self.lr_D_min > self.lr_D:
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
    """Source or target? A fully convolutional network on softmax maps (Sec. 3.3).

    Args:
        num_classes: K of the maps B x K x H x W; the output is B x 1 x H / 32 x W / 32.
        width: channels behind the first of the five convolutions.
    """

    def __init__(self, num_classes: int, width: int = 64):
        channels = [num_classes, width, 2 * width, 4 * width, 8 * width]
        layers = []
        for wide, wider in zip(channels, channels[1:]):
            layers += [nn.Conv2d(wide, wider, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Conv2d(channels[-1], 1, 4, stride=2, padding=1))


class AdversarialAdaptation(OutsideNetwork):
    """Discriminators of source and target predictions, and the student's loss against them.

    Each level of the student (main and auxiliary head) has a discriminator of its own. They learn
    beside the student, from the same forward passes, with an Adam optimizer that is not the
    student's; they compute in full precision whatever the student does.

    Args:
        num_classes: of the student.
        weights: of the student's loss, for each of its levels ('main', 'aux').
        kind: 'LS' (least squares) or 'Vanilla' (cross-entropy).
        rate: learning rate of the discriminators at the start.
        rate_power: it falls as ``(1 - i / max_iters)^power``; None lets it follow the student's.
        rate_min: where that ends.
        max_iters: of the training; needed for ``rate_power``.
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
        """The learning rate of an iteration, that of ``student`` being set already."""
        if self.rate_power is None:
            group = student.param_groups[0]
            start = group.get('initial_lr')  # of mmcv's schedules
            share = group['lr'] / start if start else 1.
        else:
            share = max(1 - iteration / self.max_iters, 0) ** self.rate_power
        for group in self.optimizer.param_groups:
            group['lr'] = (self.rate - self.rate_min) * share + self.rate_min

    def forward(self, logits: Mapping[str, Tensor]) -> Dict[str, Tensor]:
        """The target view: ``G_trg.loss.LEVEL`` of the student, ``D_trg.loss.LEVEL``.

        The gradients of the first reach the student alone, those of the second the
        discriminators alone.

        Args:
            logits: B x K x H x W of each level, at the images' size.
        """
        losses = {}
        for level, weight in self.weights.items():
            frozen = {name: parameter.detach()
                      for name, parameter in self.network[level].named_parameters()}
            losses[f'G_trg.loss.{level}'] = weight * self._loss(
                partial(functional_call, self.network[level], frozen), logits[level], SOURCE)
        return {**losses, **self._learn('D_trg', logits, TARGET)}

    def source_losses(self, logits: Mapping[str, Tensor]) -> Dict[str, Tensor]:
        """``D_src.loss.LEVEL`` of the discriminators, from logits of the source view."""
        return self._learn('D_src', logits, SOURCE)

    def _learn(self, name: str, logits: Mapping[str, Tensor], domain: float) -> Dict[str, Tensor]:
        return {
            f'{name}.loss.{level}': self._loss(discriminator, logits[level].detach(), domain) / 2
            for level, discriminator in self.network.items()}

    def _loss(self, discriminator: Callable[[Tensor], Tensor], logits: Tensor,
              domain: float) -> Tensor:
        """How far the discriminator's answer is from the given domain."""
        with torch.autocast(logits.device.type, enabled=False):
            answer = discriminator(logits.softmax(dim=1))
            return self.loss(answer, torch.full_like(answer, domain))

    def training_state(self, unfinished: bool) -> Dict[str, Any]:
        """Weights, optimizer and, of a round that is not finished, gradients."""
        return dict(network=self.network.state_dict(), optimizer=self.optimizer.state_dict(),
                    gradients=unfinished_gradients(self.network) if unfinished else {})

    def load_training_state(self, state: Mapping[str, Any]) -> None:
        """The inverse of :meth:`training_state`."""
        self.network.load_state_dict(state['network'])
        self.optimizer.load_state_dict(state['optimizer'])
        restore_gradients(self.network, state['gradients'])
