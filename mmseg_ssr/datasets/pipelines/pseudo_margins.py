"""Image margins without trusted pseudo-labels, as a mask that is transformed with the image.

Rectification leaves artifacts at the borders of Cityscapes images, and the bonnet of the
ego vehicle is at their bottom (HRDA, arXiv 2204.13132, supplement, and the config key
``crop_pseudo_margins`` of MIC).
"""
from typing import Dict, Sequence, Union

import numpy as np
import torch
from mmcv.parallel import DataContainer
from mmseg.datasets.builder import PIPELINES

from ...domains.target_pipeline import MASK, checked_margins, margin_mask
from ...utils.registration import register


@register(PIPELINES)
class PseudoLabelMargins:
    """Adds ``valid_pseudo_mask``, H x W uint8: 1 where pseudo-labels count, 0 in the margins.

    The step belongs right after the loading of the image. The mask is one of the ``seg_fields``,
    which mmseg's steps resize (nearest), crop, flip, rotate and pad together with the image.

    Args:
        margins: top, bottom, left and right margin of the loaded image. Integers are pixels, and
            floats below 1 are shares of the image's height or width (rounded down).

    Raises:
        ConfigError: see :func:`~mmseg_ssr.domains.target_pipeline.checked_margins`.
        DataError: the margins leave nothing of an image.
    """

    def __init__(self, margins: Sequence[Union[int, float]]):
        self.margins = checked_margins(margins)

    def __call__(self, results: Dict) -> Dict:
        results[MASK] = margin_mask(results['img'].shape[:2], self.margins,
                                    results.get('filename'))
        results['seg_fields'].append(MASK)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(margins={list(self.margins)})'


@register(PIPELINES)
class FormatValidPseudoMask:
    """Turns ``valid_pseudo_mask`` into a container of a 1 x H x W uint8 tensor of 0 and 1.

    The step belongs right before ``Collect``. Padding of any value is not valid.
    """

    def __call__(self, results: Dict) -> Dict:
        mask = results[MASK]
        if isinstance(mask, DataContainer):  # a host's format bundle knows the key already
            mask = mask.data.squeeze(0).numpy()
        valid = torch.from_numpy((mask == 1).astype(np.uint8))[None]
        results[MASK] = DataContainer(valid, stack=True)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
