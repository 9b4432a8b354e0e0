"""What the training step asks of a student: any segmentor with a backbone and a head.

A student has ``extract_feat(img) -> maps``, ``backbone`` (and ``neck``), and a ``decode_head(maps)
-> logits`` with ``num_classes``, ``ignore_index``, ``align_corners`` and ``loss_decode(logits,
label, weight=, ignore_index=)``; an ``auxiliary_head`` of the same kind is optional. Each function
below that may differ between architectures is a ``functools.singledispatch``: HRDA registers its
own, and :mod:`mmseg_ssr.host` those of mmseg.

Shapes: B batch, K classes; images B x 3 x H x W; features are whatever ``training_features``
gives, for most architectures one B x C_i x H_i x W_i map per stage.
"""
from functools import singledispatch
from typing import Any, Callable, Dict, Optional, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# ---------------------------------------------------------------- networks


def encoder_of(student: nn.Module) -> nn.Module:
    """Backbone, and neck if there is one, as one network from images to stage maps."""
    if getattr(student, 'neck', None) is None:
        return student.backbone
    return nn.Sequential(student.backbone, student.neck)


def heads(student: nn.Module) -> Dict[str, nn.Module]:
    """The decode head and the auxiliary heads, if there are any, by mmseg's prefixes of losses."""
    auxiliary = getattr(student, 'auxiliary_head', None)
    if auxiliary is None:
        return dict(decode=student.decode_head)
    if not isinstance(auxiliary, nn.ModuleList):
        return dict(decode=student.decode_head, aux=auxiliary)
    return dict(decode=student.decode_head,
                **{f'aux_{i}': head for i, head in enumerate(auxiliary)})


@singledispatch
def compilable(student: nn.Module) -> Sequence[nn.Module]:
    """The networks of a student whose inputs are tensors of few shapes, for ``torch.compile``."""
    return [student.backbone, student.decode_head]


def stem(backbone: nn.Module) -> Optional[nn.Module]:
    """What sees the image itself: the first convolution, with the norms and convolutions beside it.

    A deep stem or a patch embedding as a whole; a bare convolution where the module that holds it
    has whole stages too; None where nothing convolves.
    """
    name = next((name for name, module in backbone.named_modules()
                 if isinstance(module, nn.Conv2d)), None)
    if name is None:
        return None
    holder = backbone.get_submodule(name.rpartition('.')[0])
    is_stem = all(next(part.children(), None) is None for part in holder.children())
    return holder if is_stem else backbone.get_submodule(name)


def first_and_last(student: nn.Module) -> Sequence[nn.Module]:
    """What sees the image itself, and what gives the logits: little to compute, much to round."""
    first = stem(student.backbone)
    classifiers = [module for name, module in student.decode_head.named_modules()
                   if name.rpartition('.')[2] == 'conv_seg']
    return [*([] if first is None else [first]), *classifiers]


# ---------------------------------------------------------------- features


@singledispatch
def training_features(student: nn.Module, img: Tensor, draws: Any) -> Any:
    """Features of ``img`` for :func:`supervised_losses`; ``draws`` decides what is random."""
    return student.extract_feat(img)


@singledispatch
def joint_training_features(student: nn.Module, imgs: Sequence[Tensor],
                            draws: Any) -> Sequence[Any]:
    """``training_features`` of several image batches in one pass of the backbone."""
    maps = student.extract_feat(torch.cat(list(imgs)))
    return split_maps(maps, [len(img) for img in imgs])


def split_maps(maps: Sequence[Tensor], sizes: Sequence[int]) -> Sequence[Sequence[Tensor]]:
    """Stage maps of a batch -> the stage maps of its parts."""
    return list(zip(*(stage.split(list(sizes)) for stage in maps)))


@singledispatch
def map_features(features: Any, fn: Callable) -> Any:
    """Apply ``fn`` (four stage maps -> four stage maps) to the features."""
    return fn(features)


@singledispatch
def semantic_features(features: Any) -> Tensor:
    """The deepest map of the features, B x C x h x w (for the feature distance)."""
    return features[-1]


@singledispatch
def feature_image(student: nn.Module, img: Tensor) -> Tensor:
    """The image at the resolution at which ``semantic_features`` sees it."""
    return img


@singledispatch
def inference_features(student: nn.Module, img: Tensor) -> Any:
    """Features of ``img`` from which the student predicts at inference."""
    return student.extract_feat(img)


# ---------------------------------------------------------------- predictions


@singledispatch
def prediction(head: nn.Module, features: Any) -> Any:
    """What a head makes of features; for most, logits B x K x h x w."""
    return head(features)


@singledispatch
def prediction_logits(predicted: Any) -> Tensor:
    """The logits B x K x h x w that count at inference, of what :func:`prediction` has given."""
    return predicted


def level_logits(student: nn.Module, predicted: Dict[str, Any],
                 img: Tensor) -> Dict[str, Tensor]:
    """Logits of all heads at the size of the image, for losses without a label.

    Args:
        predicted: what :func:`prediction` has given for each of :func:`heads`.

    Returns:
        B x K x H x W of 'main', the decode head, and 'aux' (or 'aux_0', ...).
    """
    align_corners = student.decode_head.align_corners
    return {
        'main' if prefix == 'decode' else prefix: resized(
            full_precision(prediction_logits(value)), img, align_corners)
        for prefix, value in predicted.items()}


@singledispatch
def image_logits(student: nn.Module, img: Tensor) -> Tensor:
    """Logits B x K x H x W at the size of the image, as the student gives them at inference."""
    return head_logits(student, inference_features(student, img), img)


@singledispatch
def head_logits(student: nn.Module, features: Any, img: Tensor) -> Tensor:
    """The same from :func:`inference_features` of the image."""
    return resized(student.decode_head(features), img, student.decode_head.align_corners)


def segmentation_logits(student: nn.Module, img: Tensor,
                        enhance: Optional[Callable] = None) -> Tensor:
    """Logits B x K x H x W at the size of the image, without gradients.

    The student stays in the mode it is in: the teacher's batch norm runs on batch statistics.

    Args:
        enhance: four stage maps -> four stage maps, before the head; None changes nothing.
    """
    with torch.no_grad():
        if enhance is None:
            return full_precision(image_logits(student, img))
        features = map_features(inference_features(student, img), enhance)
        return full_precision(head_logits(student, features, img))


# ---------------------------------------------------------------- losses


def supervised_losses(head: nn.Module, features: Any, label: Tensor,
                      weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """The head's losses on features, with an optional weight for every pixel.

    Args:
        label: B x 1 x H x W, train ids and the head's ``ignore_index``.
        weight: B x H x W in [0, 1], None for 1 everywhere.

    Returns:
        ``loss_*`` of the head's ``loss_decode`` and ``acc_seg`` in percent of all pixels.
    """
    return prediction_losses(head, prediction(head, features), label, weight)


@singledispatch
def prediction_losses(head: nn.Module, predicted: Any, label: Tensor,
                      weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """:func:`supervised_losses` of what :func:`prediction` has given."""
    return weighted_losses(head, predicted, label, weight)


def weighted_losses(head: nn.Module, logits: Tensor, label: Tensor,
                    weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """The losses of a head from its logits, with a weight for every pixel.

    A loss is the mean over *all* pixels: ignored ones and those of weight 0 count as 0 in the
    sum but stay in the denominator, as in the published implementations; likewise the accuracy.
    """
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
    """Percent of all pixels, ignored ones too, whose largest logit is that of their label."""
    return 100 * (logits.argmax(dim=1) == label).float().mean()


def prefixed(prefix: str, values: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """``{'loss_seg': x}`` -> ``{'prefix.loss_seg': x}``; an empty prefix changes nothing."""
    if not prefix:
        return values
    return {f'{prefix}.{name}': value for name, value in values.items()}


def scaled(losses: Dict[str, Tensor], factor: float) -> Dict[str, Tensor]:
    """The losses times a factor; accuracies as they are."""
    return {name: value * factor if 'loss' in name else value for name, value in losses.items()}


# ---------------------------------------------------------------- tensors


def resized(maps: Tensor, like: Tensor, align_corners: bool) -> Tensor:
    """Maps B x C x h x w, bilinear, at the height and width of ``like``."""
    return F.interpolate(maps, like.shape[2:], mode='bilinear', align_corners=align_corners)


def full_precision(value: Tensor) -> Tensor:
    """At least float32: what mixed precision computed in fewer bits, for losses and softmax."""
    return value.to(torch.promote_types(value.dtype, torch.float32))
