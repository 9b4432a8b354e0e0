"""Steps of the pipelines of mmseg 1.x: checked labels, and margins without pseudo-labels."""
from typing import Any, Callable, Dict, Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from mmseg.datasets.transforms import LoadAnnotations, PackSegInputs
from mmseg.registry import TRANSFORMS

from ..domains.label_check import LabelCheck, label_error
from ..domains.target_pipeline import MASK, checked_margins, margin_mask
from ..labels.class_table import ClassTable
from ..labels.files import check_label_kind
from ..utils.paths import check_file
from ..utils.registration import register


@register(TRANSFORMS)
class PseudoMargins(BaseTransform):
    """Adds ``valid_pseudo_mask``, H x W uint8: 1 where pseudo-labels count, 0 in the margins.

    The step belongs right after the loading of the image. The mask is one of the ``seg_fields``,
    which mmseg's steps resize (nearest), crop, flip and rotate together with the image.

    Args:
        margins: top, bottom, left and right margin in pixels of the loaded image.

    Raises:
        ConfigError: ``margins`` is not four integers >= 0.
        DataError: the margins leave nothing of an image.
    """

    def __init__(self, margins: Sequence[int]):
        self.margins = checked_margins(margins)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        results[MASK] = margin_mask(results['img'].shape[:2], self.margins, results.get('img_path'))
        results.setdefault('seg_fields', []).append(MASK)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(margins={list(self.margins)})'


@register(TRANSFORMS)
class PackTargetInputs(PackSegInputs):
    """mmseg's ``PackSegInputs``, which also packs ``valid_pseudo_mask``, 1 x H x W uint8.

    Padding of any value is not valid.
    """

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        packed = super().transform(results)
        valid = torch.from_numpy((results[MASK] == 1).astype(np.uint8))[None]
        packed['data_samples'].set_data({MASK: PixelData(data=valid)})
        return packed


class LoadByTable:
    """Replaces mmseg's ``LoadAnnotations`` in data sets with a :class:`.ClassTable`."""

    def __init__(self, table: ClassTable):
        self.table = table

    def __call__(self, results: Dict[str, Any]) -> Dict[str, Any]:
        results['gt_seg_map'] = self.table.read(results['seg_map_path'])
        results['seg_fields'].append('gt_seg_map')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}({len(self.table.names)} classes)'


class CheckedLabel:
    """A step that loads a label, and checks it (:class:`.LabelCheck`).

    Args:
        load: mmseg's ``LoadAnnotations``, or a step with its keys.
        check: the check.

    Raises:
        MissingFile: the label is missing.
        DataError: the label cannot be decoded, has a format that mmseg misreads, or does not pass
            the check.
    """

    def __init__(self, load: Callable[[Dict[str, Any]], Dict[str, Any]], check: LabelCheck):
        self.load = load
        self.check = check

    def __call__(self, results: Dict[str, Any]) -> Dict[str, Any]:
        file = results['seg_map_path']
        try:
            if getattr(self.load, 'backend_args', None) is None:
                check_file(file, 'label')
                if isinstance(self.load, LoadAnnotations):
                    check_label_kind(file)
            results = self.load(results)
        except Exception as error:
            meaning = label_error(file, error)
            if meaning is error:
                raise
            raise meaning from error
        self.check(results['gt_seg_map'], file, results.get('img'), results.get('img_path'))
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.load!r})'
