"""Slide inference with several windows in one pass of the network, for any encoder-decoder."""
from typing import Any, List, Mapping, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..host import EncoderDecoder
from .crops import add_crops, coverage, crop, slide_boxes


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
    """Run mmseg's ``slide_inference``, with ``batched_slide`` windows at once if that is set.

    Args:
        segmentor: an mmseg ``EncoderDecoder``, with windows of ``test_cfg.crop_size`` and
            ``stride``.
        img: B x 3 x H x W.
        img_meta: metas of mmseg's pipelines for each image.
        rescale: whether to resize to the original image, without padding.

    Returns:
        Logits B x K x H' x W', means where windows overlap.
    """
    size = img.shape[2:]
    boxes = slide_boxes(*size, segmentor.test_cfg['crop_size'], segmentor.test_cfg['stride'])
    step = crops_per_pass(segmentor.test_cfg, len(boxes))
    if step is None:
        return EncoderDecoder.slide_inference(segmentor, img, img_meta, rescale)
    total = None
    for first in range(0, len(boxes), step):
        part = boxes[first:first + step]
        logits = segmentor.encode_decode(torch.cat([crop(img, box) for box in part]), img_meta)
        if total is None:
            total = logits.new_zeros((len(img), logits.shape[1], *size))
        add_crops(total, logits, part)
    logits = total / coverage(boxes, size, total)
    if not rescale:
        return logits
    height, width = img_meta[0]['img_shape'][:2]  # without padding
    return F.interpolate(logits[:, :, :height, :width], size=img_meta[0]['ori_shape'][:2],
                         mode='bilinear', align_corners=segmentor.align_corners)
