"""The interface of a student: any segmentor with a backbone and a head.

A student has

- ``extract_feat(img) -> maps``, a ``backbone``, and optionally a ``neck``
- ``decode_head(maps) -> logits`` with ``num_classes``, ``ignore_index``, ``align_corners`` and
  ``loss_decode(logits, label, weight=, ignore_index=)``
- optionally an ``auxiliary_head`` of the same kind, or a list of them.

Functions that may differ between architectures are a ``functools.singledispatch``. HRDA registers
its own, and :mod:`mmseg_ssr.host` registers those of mmseg.

Shapes: B batch, K classes. Images are B x 3 x H x W. Features are whatever ``training_features``
returns, for most architectures one map B x C_i x H_i x W_i per stage.
"""
from functools import singledispatch
from typing import Any, Callable, Dict, Optional, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError

# ---------------------------------------------------------------- networks


def encoder_of(student: nn.Module) -> nn.Module:
    """Return backbone and neck, if there is one, as one network from images to stage maps."""
    if getattr(student, 'neck', None) is None:
        return student.backbone
    return nn.Sequential(student.backbone, student.neck)


def heads(student: nn.Module) -> Dict[str, nn.Module]:
    """Return the decode head and the auxiliary heads by the prefixes that mmseg gives their losses.

    The prefixes are 'decode' and 'aux', or 'aux_0', 'aux_1', ... for a list of auxiliary heads.
    """
    auxiliary = getattr(student, 'auxiliary_head', None)
    if auxiliary is None:
        return dict(decode=student.decode_head)
    if not isinstance(auxiliary, nn.ModuleList):
        return dict(decode=student.decode_head, aux=auxiliary)
    return dict(decode=student.decode_head,
                **{f'aux_{i}': head for i, head in enumerate(auxiliary)})


@singledispatch
def compilable(student: nn.Module) -> Sequence[nn.Module]:
    """Return the networks whose inputs are tensors of few shapes, for ``torch.compile``."""
    return [student.backbone, student.decode_head]


def stem(backbone: nn.Module) -> Optional[nn.Module]:
    """Return the first convolution, with the norms and convolutions beside it.

    This is a deep stem or a patch embedding as a whole. The convolution is returned alone if the
    module that holds it also holds whole stages. None means that nothing convolves.
    """
    name = next((name for name, module in backbone.named_modules()
                 if isinstance(module, nn.Conv2d)), None)
    if name is None:
        return None
    holder = backbone.get_submodule(name.rpartition('.')[0])
    is_stem = all(next(part.children(), None) is None for part in holder.children())
    return holder if is_stem else backbone.get_submodule(name)


def first_and_last(student: nn.Module) -> Sequence[nn.Module]:
    """Return the modules that see the image itself, and those that give the logits.

    They have little to compute, but rounding in them does much harm.
    """
    first = stem(student.backbone)
    classifiers = [module for name, module in student.decode_head.named_modules()
                   if name.rpartition('.')[2] == 'conv_seg']
    return [*([] if first is None else [first]), *classifiers]


# ---------------------------------------------------------------- features


@singledispatch
def training_features(student: nn.Module, img: Tensor, draws: Any) -> Any:
    """Return the features of ``img`` for :func:`supervised_losses`.

    Args:
        draws: random decisions of the iteration.
    """
    return student.extract_feat(img)


@singledispatch
def joint_training_features(student: nn.Module, imgs: Sequence[Tensor],
                            draws: Any) -> Sequence[Any]:
    """Return ``training_features`` of several image batches from one pass of the backbone."""
    maps = student.extract_feat(torch.cat(list(imgs)))
    return split_maps(maps, [len(img) for img in imgs])


def split_maps(maps: Sequence[Tensor], sizes: Sequence[int]) -> Sequence[Sequence[Tensor]]:
    """Split the stage maps of a batch into those of its parts."""
    return list(zip(*(stage.split(list(sizes)) for stage in maps)))


@singledispatch
def map_features(features: Any, fn: Callable) -> Any:
    """Apply ``fn`` (four stage maps -> four stage maps) to the features."""
    return fn(features)


@singledispatch
def semantic_features(features: Any) -> Tensor:
    """Return the deepest map of the features, B x C x h x w."""
    return features[-1]


@singledispatch
def feature_image(student: nn.Module, img: Tensor) -> Tensor:
    """Return the image at the resolution that ``semantic_features`` belongs to."""
    return img


@singledispatch
def inference_features(student: nn.Module, img: Tensor) -> Any:
    """Return the features of ``img`` that the student predicts from at inference."""
    return student.extract_feat(img)


# ---------------------------------------------------------------- predictions


@singledispatch
def prediction(head: nn.Module, features: Any) -> Any:
    """Return the output of a head for features, in most cases logits B x K x h x w."""
    return head(features)


@singledispatch
def prediction_logits(predicted: Any) -> Tensor:
    """Return the inference logits B x K x h x w in an output of :func:`prediction`."""
    return predicted


def level_logits(student: nn.Module, predicted: Dict[str, Any],
                 img: Tensor) -> Dict[str, Tensor]:
    """Return the logits of all heads at the size of the image, for losses without a label.

    Args:
        predicted: outputs of :func:`prediction` for all :func:`heads`, by prefix.

    Returns:
        B x K x H x W of 'main', the decode head, and of 'aux' (or 'aux_0', ...).
    """
    align_corners = student.decode_head.align_corners
    return {
        'main' if prefix == 'decode' else prefix: resized(
            full_precision(prediction_logits(value)), img, align_corners)
        for prefix, value in predicted.items()}


@singledispatch
def image_logits(student: nn.Module, img: Tensor) -> Tensor:
    """Return the student's inference logits B x K x H x W at the size of the image."""
    return head_logits(student, inference_features(student, img), img)


@singledispatch
def head_logits(student: nn.Module, features: Any, img: Tensor) -> Tensor:
    """Return the same logits from :func:`inference_features` of the image."""
    return resized(student.decode_head(features), img, student.decode_head.align_corners)


def segmentation_logits(student: nn.Module, img: Tensor,
                        enhance: Optional[Callable] = None) -> Tensor:
    """Return logits B x K x H x W at the size of the image, without gradients.

    The student stays in its mode: the batch norms of a teacher use the statistics of the batch.

    Args:
        enhance: function from four stage maps to four stage maps, applied before the head; None
            changes nothing.
    """
    with torch.no_grad():
        if enhance is None:
            return full_precision(image_logits(student, img))
        features = map_features(inference_features(student, img), enhance)
        return full_precision(head_logits(student, features, img))


# ---------------------------------------------------------------- losses


def supervised_losses(head: nn.Module, features: Any, label: Tensor,
                      weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """Return the losses of a head on features, with an optional weight for each pixel.

    Args:
        label: B x 1 x H x W, train ids and the head's ``ignore_index``.
        weight: B x H x W in [0, 1]; None is 1 everywhere.

    Returns:
        ``loss_*`` of the head's ``loss_decode``, and ``acc_seg`` in percent of all pixels.
    """
    return prediction_losses(head, prediction(head, features), label, weight)


@singledispatch
def prediction_losses(head: nn.Module, predicted: Any, label: Tensor,
                      weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """Return the :func:`supervised_losses` of an output of :func:`prediction`."""
    return weighted_losses(head, predicted, label, weight)


@singledispatch
def trial_losses(head: nn.Module, label: Tensor,
                 weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """Return the losses of a head on logits of 0, to see whether it can be trained.

    Args:
        label: 1 x 1 x H x W.
        weight: weight of each pixel, 1 x H x W in [0, 1]; None is 1 everywhere.
    """
    logits = torch.zeros(1, head.num_classes, *label.shape[2:])
    return weighted_losses(head, logits, label, weight)


def weighted_losses(head: nn.Module, logits: Tensor, label: Tensor,
                    weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """Return the losses of a head from its logits, with a weight for each pixel.

    Losses and accuracy are means over *all* pixels, as in the published implementations. Ignored
    pixels and pixels of weight 0 add 0 to the sum of a loss, but count in the denominator.
    """
    if not isinstance(logits, Tensor):
        raise ConfigError(f'uda: {type(head).__name__} gives {len(logits)} outputs in training, '
                          'but a method needs the logits alone: turn the others off (EncHead: '
                          'use_se_loss=False), use another head, or remove uda and train on the '
                          'source alone')
    logits = resized(full_precision(logits), label, head.align_corners)
    if getattr(head, 'sampler', None) is not None:
        sampled = head.sampler.sample(logits, label)
        weight = sampled if weight is None else sampled * weight
    label = label.squeeze(1)
    terms = head.loss_decode if isinstance(head.loss_decode, nn.ModuleList) else [head.loss_decode]
    losses: Dict[str, Tensor] = {}
    for term in terms:
        name = getattr(term, 'loss_name', 'loss_seg')
        value = term(logits, label, weight=weight, ignore_index=head.ignore_index)
        losses[name] = losses[name] + value if name in losses else value
    losses['acc_seg'] = pixel_accuracy(logits, label)
    return losses


def pixel_accuracy(logits: Tensor, label: Tensor) -> Tensor:
    """Return the percentage of pixels whose largest logit is that of their label.

    Ignored pixels count in the denominator.
    """
    eps = torch.finfo(torch.float32).eps  # ties and rounding as in mmseg's accuracy
    hits = (logits.topk(1, dim=1).indices.squeeze(1) == label).float().sum() + eps
    return hits * (100.0 / (label.numel() + eps))


def prefixed(prefix: str, values: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Turn ``{'loss_seg': x}`` into ``{'prefix.loss_seg': x}``. An empty prefix changes nothing."""
    if not prefix:
        return values
    return {f'{prefix}.{name}': value for name, value in values.items()}


def scaled(losses: Dict[str, Tensor], factor: float) -> Dict[str, Tensor]:
    """Multiply the losses by a factor. Accuracies stay unchanged."""
    return {name: value * factor if 'loss' in name else value for name, value in losses.items()}


# ---------------------------------------------------------------- tensors


def resized(maps: Tensor, like: Tensor, align_corners: bool) -> Tensor:
    """Resize maps B x C x h x w to the height and width of ``like``, bilinearly."""
    return F.interpolate(maps, like.shape[2:], mode='bilinear', align_corners=align_corners)


def full_precision(value: Tensor) -> Tensor:
    """Convert to at least float32, which losses and softmax need after mixed precision."""
    return value.to(torch.promote_types(value.dtype, torch.float32))
