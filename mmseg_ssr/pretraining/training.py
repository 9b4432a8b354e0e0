"""Training of the small SAM encoder on class-agnostic masks."""
from dataclasses import dataclass
from typing import Callable, Dict, Tuple

import torch
from torch import Tensor, nn

from ..regularizer.sam_encoder import VARIANTS, build_image_encoder
from .mask_decoder import MaskDecoder, choose_points, mask_iou, mask_loss
from .scenes import Batch, Scenes, batches


@dataclass(frozen=True)
class Recipe:
    """How the encoder is trained.

    Attributes:
        iterations: optimizer steps.
        batch: scenes of a step, each seen in two looks.
        crop: side of the square crops in pixels, the encoder's input size.
        points: masks asked for in each scene.
        lr, weight_decay: of AdamW; the rate rises for a twentieth of the steps and falls on a
            cosine.
        seed: of the weights, the crops and the points.
        log_interval: steps between two lines of the log.
    """
    iterations: int = 3000
    batch: int = 8
    crop: int = 128
    points: int = 16
    lr: float = 1e-3
    weight_decay: float = 0.05
    seed: int = 0
    log_interval: int = 50


def pretrain(scenes: Scenes, held_out: Scenes, recipe: Recipe,
             log: Callable[[Dict[str, float]], None]) -> Tuple[nn.Module, Dict[str, float]]:
    """Train the encoder ``mini``.

    Args:
        scenes: to train on.
        held_out: to measure on at the end.
        log: given the mean loss and mask IoU of every ``log_interval`` steps.

    Returns:
        the ``ImageEncoderViT`` and its mask IoU on ``held_out``.
    """
    torch.manual_seed(recipe.seed)
    encoder = build_image_encoder('mini', recipe.crop, None)
    decoder = MaskDecoder(VARIANTS['mini']['out_chans'])
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.lr, total_steps=recipe.iterations, pct_start=0.05)
    generator = torch.Generator().manual_seed(recipe.seed)
    stream = batches(scenes, recipe.batch, recipe.crop, recipe.seed)
    seen = torch.zeros(2)
    for step in range(1, recipe.iterations + 1):
        loss, iou = measure(encoder, decoder, next(stream), recipe.points, generator)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        seen += torch.stack([loss.detach(), iou])
        if step % recipe.log_interval == 0:
            loss, iou = (seen / recipe.log_interval).tolist()
            log(dict(iteration=step, loss=loss, mask_iou=iou))
            seen.zero_()
    return encoder, evaluate(encoder, decoder, held_out, recipe)


def measure(encoder: nn.Module, decoder: MaskDecoder, batch: Batch, count: int,
            generator: torch.Generator) -> Tuple[Tensor, Tensor]:
    """Loss and mask IoU of a batch: points of either look, masks on the other."""
    objects = batch.objects[:, ::2, ::2]  # the decoder's resolution
    points = choose_points(objects, count, generator)
    first, second = encoder(torch.cat([batch.first, batch.second])).chunk(2)
    logits = decoder(torch.cat([first, second]), torch.cat([second, first]),
                     torch.cat([points, points]))
    objects, points = torch.cat([objects, objects]), torch.cat([points, points])
    return mask_loss(logits, objects, points), mask_iou(logits.detach(), objects, points)


@torch.no_grad()
def evaluate(encoder: nn.Module, decoder: MaskDecoder, scenes: Scenes,
             recipe: Recipe) -> Dict[str, float]:
    """Mean loss and mask IoU on scenes, by crops that depend on the seed alone."""
    stream = batches(scenes, recipe.batch, recipe.crop, recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    rounds = max(1, 2 * len(scenes.objects) // recipe.batch)
    found = [torch.stack(measure(encoder, decoder, next(stream), recipe.points, generator))
             for _ in range(rounds)]
    loss, iou = torch.stack(found).mean(dim=0).tolist()
    return dict(loss=loss, mask_iou=iou)
