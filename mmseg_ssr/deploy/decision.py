"""From logits to the class and the confidence of every pixel.

B images, K classes; h x w is the size the network sees, H x W the size of the image.
"""
from typing import Any, Dict, List, NamedTuple, Sequence

import torch
from mmseg.ops import resize
from torch import Tensor, nn

from ..engine.testing.inference import takes_largest_logit
from ..uda.student import full_precision


class Decision(NamedTuple):
    """Classes (integers) and their probabilities (float32 in [0, 1]), both B x H x W."""
    label: Tensor
    confidence: Tensor


def decide(network: nn.Module, img: List[Tensor], img_metas: List[List[Dict[str, Any]]]
           ) -> Decision:
    """Predict as mmseg's test does, with the probability of each class.

    Args:
        network: a segmentor; its ``test_cfg`` selects whole images or sliding windows.
        img: a batch B x 3 x h x w, or several whose probabilities are averaged (``--aug-test``).
        img_metas: as mmseg's pipelines give them, a list for each batch; ``img_shape`` is the
            size without padding.
    """
    if len(img) == 1 and not img_metas[0][0].get('flip') and takes_largest_logit(network):
        slide = network.test_cfg.get('mode') == 'slide'
        infer = network.slide_inference if slide else network.whole_inference
        meta = img_metas[0][0]
        height, width = meta['img_shape'][:2]
        logits = infer(img[0], img_metas[0], False)[:, :, :height, :width]
        return most_likely(logits, meta['ori_shape'][:2], network.align_corners)
    probabilities = torch.stack([network.inference(batch, metas, True)
                                 for batch, metas in zip(img, img_metas)]).mean(0)
    if probabilities.shape[1] > 1:
        confidence, label = probabilities.max(1)
        return Decision(label, confidence)
    foreground = probabilities[:, 0]
    label = (foreground > network.decode_head.threshold).long()
    return Decision(label, torch.where(label > 0, foreground, 1 - foreground))


def most_likely(logits: Tensor, size: Sequence[int], align_corners: bool = False) -> Decision:
    """Decide on logits B x K x h x w, resized bilinearly to H x W = ``size``.

    Works class by class, so that memory holds a few H x W maps instead of K. The label is the
    class of the largest resized logit, the confidence its softmax.
    """
    best = total = label = None
    for k, logit in enumerate(full_precision(logits).split(1, dim=1)):
        logit = resize(logit, size=tuple(size), mode='bilinear', align_corners=align_corners,
                       warning=False)[:, 0]
        if best is None:
            best, total = logit.clone(), torch.ones_like(logit)
            label = torch.zeros_like(logit, dtype=torch.long)
            continue
        larger = torch.maximum(best, logit)
        total = total * (best - larger).exp() + (logit - larger).exp()
        label[logit > best] = k
        best = larger
    return Decision(label, 1 / total)
