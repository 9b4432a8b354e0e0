"""Slide inference with several windows in one pass of the network, for any encoder-decoder."""
from typing import Any, Callable, List, Mapping, Optional, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError
from ..host import EncoderDecoder
from ..uda.student import image_logits
from .crops import Box, add_crops, coverage, crop, slide_boxes


def crops_per_pass(test_cfg: Optional[Mapping[str, Any]], count: int) -> Optional[int]:
    """Return how many of ``count`` crops the network sees at once, by ``test_cfg.batched_slide``.

    None means that the key is not set, so mmseg's way is used. ``True`` is all crops.
    """
    batched = (test_cfg or {}).get('batched_slide', False)
    if batched is True:
        return count
    return batched or None


def slide_inference(segmentor: nn.Module, img: Tensor, img_meta: List[dict],
                    rescale: bool) -> Tensor:
    """Run mmseg's ``slide_inference``, with the further keys of ``test_cfg``.

    ``batched_slide`` windows go through the network at once. ``average='probability'`` takes the
    means of the windows' probabilities, as VFM-UDA++ does, and not those of their logits.

    Args:
        segmentor: an mmseg ``EncoderDecoder``, with windows of ``test_cfg.crop_size`` and
            ``stride``.
        img: B x 3 x H x W.
        img_meta: metas of mmseg's pipelines for each image.
        rescale: whether to resize to the original image, without padding.

    Returns:
        Logits B x K x H' x W', means where windows overlap. With ``average='probability'`` they
        are the logarithms of the mean probabilities, whose softmax is these.

    Raises:
        ConfigError: ``average='probability'`` with a head of one logit.
    """
    boxes = windows(segmentor, img)
    step = crops_per_pass(segmentor.test_cfg, len(boxes))
    of_probabilities = averages_probabilities(segmentor.test_cfg)
    if step is None and not of_probabilities:
        return EncoderDecoder.slide_inference(segmentor, img, img_meta, rescale)

    def predict(part: Tensor) -> Tensor:
        logits = image_logits(segmentor, part)
        return _probabilities(logits) if of_probabilities else logits

    means = window_means(predict, img, boxes, step or 1)
    means = rescaled(means, img_meta, segmentor.align_corners) if rescale else means
    # an infinite logarithm would become NaN in an interpolation
    return means.clamp_min(torch.finfo(means.dtype).tiny).log() if of_probabilities else means


def averages_probabilities(test_cfg: Optional[Mapping[str, Any]]) -> bool:
    """Whether ``test_cfg.average`` asks for the means of probabilities where windows overlap."""
    return (test_cfg or {}).get('average', 'logit') == 'probability'


def _probabilities(logits: Tensor) -> Tensor:
    if logits.shape[1] == 1:
        raise ConfigError("test_cfg.average='probability' needs a head with a logit for each "
                          'class, this one has a single logit')
    return logits.softmax(1)


def windows(segmentor: nn.Module, img: Tensor) -> Sequence[Box]:
    """Return the windows of ``test_cfg.crop_size`` and ``stride`` over images B x 3 x H x W."""
    test_cfg = segmentor.test_cfg
    return slide_boxes(*img.shape[2:], test_cfg['crop_size'], test_cfg['stride'])


def window_means(predict: Callable[[Tensor], Tensor], img: Tensor, boxes: Sequence[Box],
                 step: int) -> Tensor:
    """Return the means of the predictions of windows at each pixel, B x K x H x W.

    Args:
        predict: function from images to predictions of the same height and width.
        step: number of windows that it gets at once.
    """
    total = None
    for first in range(0, len(boxes), step):
        part = boxes[first:first + step]
        predicted = predict(torch.cat([crop(img, box) for box in part]))
        if total is None:
            total = predicted.new_zeros((len(img), predicted.shape[1], *img.shape[2:]))
        add_crops(total, predicted, part)
    return total / coverage(boxes, img.shape[2:], total)


def rescaled(predicted: Tensor, img_meta: List[dict], align_corners: bool) -> Tensor:
    """Cut off the padding of predictions B x K x H x W, and resize to the original image."""
    height, width = img_meta[0]['img_shape'][:2]  # without padding
    return F.interpolate(predicted[:, :, :height, :width], size=img_meta[0]['ori_shape'][:2],
                         mode='bilinear', align_corners=align_corners)
