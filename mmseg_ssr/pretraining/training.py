"""Training of the small SAM encoder on class-agnostic masks and the kinds of their shapes."""
from dataclasses import dataclass
from typing import Callable, Dict, List, NamedTuple, Tuple

import torch
from torch import Tensor, nn

from ..regularizer.sam_network import VARIANTS, build_image_encoder
from .kind_head import KindHead, kind_loss
from .mask_decoder import MaskDecoder, choose_points, mask_iou, mask_loss
from .scenes import Batch, Scenes, batches


@dataclass(frozen=True)
class Recipe:
    """Settings of the encoder's training.

    Attributes:
        iterations: number of optimizer steps.
        batch: number of scenes in a step, each seen in two looks.
        crop: side of the square crops in pixels, the encoder's input size.
        points: number of masks predicted in each scene.
        kinds: number of kinds into which objects are sorted by shape.
        lr, weight_decay: values for AdamW. The rate rises for a twentieth of the steps, then
            follows a cosine.
        seed: seed of the weights, the crops and the points.
        log_interval: number of steps between two lines of the log.
    """
    iterations: int = 3000
    batch: int = 8
    crop: int = 128
    points: int = 16
    kinds: int = 128
    lr: float = 1e-3
    weight_decay: float = 0.05
    seed: int = 0
    log_interval: int = 50


class Networks(NamedTuple):
    """The encoder, and the heads that it is trained through, which are dropped afterwards."""
    encoder: nn.Module
    decoder: nn.Module
    kind_head: nn.Module


class Measured(NamedTuple):
    """Scalars of one batch. Losses have gradients. Mask IoU and accuracy are in [0, 1]."""
    mask_loss: Tensor
    mask_iou: Tensor
    kind_loss: Tensor
    kind_accuracy: Tensor


def pretrain(scenes: Scenes, held_out: Scenes, recipe: Recipe,
             log: Callable[[Dict[str, float]], None]) -> Tuple[nn.Module, Dict[str, float]]:
    """Train the encoder ``mini``.

    Args:
        scenes: scenes to train on.
        held_out: scenes to measure on at the end.
        recipe: settings of the training.
        log: takes 'iteration' and the means of :class:`Measured` after each ``log_interval`` steps.

    Returns:
        The ``ImageEncoderViT``, and the means of :class:`Measured` on ``held_out``.
    """
    networks = build(recipe)
    parameters = [p for network in networks for p in network.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.lr, total_steps=recipe.iterations, pct_start=0.05)
    generator = torch.Generator().manual_seed(recipe.seed)
    stream = batches(scenes, recipe.batch, recipe.crop, recipe.seed)
    seen = []
    for step in range(1, recipe.iterations + 1):
        measured = measure(networks, next(stream), recipe.points, generator)
        optimizer.zero_grad()
        (measured.mask_loss + measured.kind_loss).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        seen.append(torch.stack(measured).detach())
        if step % recipe.log_interval == 0:
            log(dict(iteration=step, **_means(seen)))
            seen.clear()
    return networks.encoder, evaluate(networks, held_out, recipe)


def build(recipe: Recipe) -> Networks:
    """Build networks with random weights."""
    torch.manual_seed(recipe.seed)
    channels = VARIANTS['mini']['out_chans']
    return Networks(build_image_encoder('mini', recipe.crop, None), MaskDecoder(channels),
                    KindHead(channels, recipe.kinds))


def measure(networks: Networks, batch: Batch, count: int, generator: torch.Generator) -> Measured:
    """Losses of a batch: points in one look with masks in the other, and the kinds in both."""
    objects = batch.objects[:, ::2, ::2]  # at the decoder's resolution
    points = choose_points(objects, count, generator)
    features = networks.encoder(torch.cat([batch.first, batch.second]))
    first, second = features.chunk(2)
    objects, points, kinds = (torch.cat([t, t]) for t in (objects, points, batch.kinds))
    logits = networks.decoder(features, torch.cat([second, first]), points)
    return Measured(mask_loss(logits, objects, points),
                    mask_iou(logits.detach(), objects, points),
                    *kind_loss(networks.kind_head(features), kinds))


@torch.no_grad()
def evaluate(networks: Networks, scenes: Scenes, recipe: Recipe) -> Dict[str, float]:
    """Means of :class:`Measured` on scenes, whose crops depend on the seed alone."""
    stream = batches(scenes, recipe.batch, recipe.crop, recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    rounds = max(1, 2 * len(scenes.objects) // recipe.batch)
    return _means([torch.stack(measure(networks, next(stream), recipe.points, generator))
                   for _ in range(rounds)])


def _means(rows: List[Tensor]) -> Dict[str, float]:
    return dict(zip(Measured._fields, torch.stack(rows).mean(dim=0).tolist()))
