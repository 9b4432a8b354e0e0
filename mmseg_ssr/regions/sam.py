"""Regions of the frozen Segment Anything model (arXiv 2304.02643), as SARFormer takes them."""
from typing import Any, Callable, Dict, Optional, Sequence

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigError
from ..regularizer.sam_network import build_sam
from ..regularizer.timm_encoder import MEAN, STD
from .boxes import tidied
from .detectors import build_box_source
from .regions import Regions
from .source import RegionSource, register_region_source


@register_region_source('sam')
class SAMRegions(RegionSource):
    """Asks SAM for a mask at each point of a grid ("segment everything").

    Each image goes to SAM as it was before the normalization, one at a time. Masks come in the
    order of SAM's own scores.

    Args:
        variant: 'vit_b', 'vit_l', 'vit_h' or 'vit_t' (MobileSAM).
        checkpoint: file of the published SAM weights. None takes random weights (tests, controls)
            and must be given explicitly.
        points_per_side: points along each side of the grid.
        points_per_batch: points that SAM's mask decoder sees at once.
        pred_iou_thresh, stability_score_thresh: least predicted quality and stability of a mask.
        box_nms_thresh: overlap of bounding boxes above which the worse mask is dropped.
        crop_n_layers: layers of crops of the image on which SAM runs again.
        min_mask_region_area: holes and islands of fewer pixels are removed; 0 keeps them.
        boxes: config of a box source for the region-based optimizer, ``dict(type='torchvision',
            checkpoint=..., ...)``, see :mod:`.detectors`. None is off.
        input_size: side of the square images that SAM sees, in pixels. 1024 as published.
        encoder_args: arguments of SAM's image encoder that replace the variant's, for small ones.
        mean, std: numbers that normalized the incoming images, RGB in 0..255.

    Raises:
        ImportError: ``segment_anything`` is not installed.
        ConfigError: an argument is out of its bounds, or the variant is unknown.
        MissingFile, CheckpointError: the weights are missing or do not fit.
    """

    def __init__(self,
                 variant: str = 'vit_b',
                 *,
                 checkpoint: Optional[str],
                 points_per_side: int = 32,
                 points_per_batch: int = 64,
                 pred_iou_thresh: float = 0.88,
                 stability_score_thresh: float = 0.95,
                 box_nms_thresh: float = 0.7,
                 crop_n_layers: int = 0,
                 min_mask_region_area: int = 0,
                 boxes: Optional[Dict[str, Any]] = None,
                 input_size: int = 1024,
                 encoder_args: Optional[Dict[str, Any]] = None,
                 mean: Sequence[float] = MEAN,
                 std: Sequence[float] = STD):
        for name, value in dict(points_per_side=points_per_side,
                                points_per_batch=points_per_batch).items():
            if value < 1:
                raise ConfigError(f'regions.{name} must be at least 1, got {value}')
        for name, value in dict(crop_n_layers=crop_n_layers,
                                min_mask_region_area=min_mask_region_area).items():
            if value < 0:
                raise ConfigError(f'regions.{name} must be at least 0, got {value}')
        for name, value in dict(pred_iou_thresh=pred_iou_thresh, box_nms_thresh=box_nms_thresh,
                                stability_score_thresh=stability_score_thresh).items():
            if not 0 <= value <= 1:
                raise ConfigError(f'regions.{name} must be in [0, 1], got {value}')
        super().__init__(build_sam(variant, checkpoint=checkpoint, input_size=input_size,
                                   encoder_args=encoder_args), mean, std)
        from segment_anything import SamAutomaticMaskGenerator
        self._generator = SamAutomaticMaskGenerator(
            self.network, points_per_side=points_per_side, points_per_batch=points_per_batch,
            pred_iou_thresh=pred_iou_thresh, stability_score_thresh=stability_score_thresh,
            box_nms_thresh=box_nms_thresh, crop_n_layers=crop_n_layers,
            min_mask_region_area=min_mask_region_area)
        self._generator._process_crop = with_boxes(self._generator._process_crop)
        self.boxes = None if boxes is None else build_box_source(boxes)

    def regions_of(self, img: Tensor) -> Regions:
        """Return what SAM finds, tidied by boxes if there is a box source."""
        image = img.round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
        found = self._everything(image, img.device)
        if self.boxes is None:
            return found
        boxes = self.boxes(img / 255)
        return tidied(found, boxes, self._inside(image, boxes)) if len(boxes) else found

    def _everything(self, image: np.ndarray, device: torch.device) -> Regions:
        """Return the masks of the grid of points."""
        found = self._generator.generate(image)
        masks = np.zeros((len(found), *image.shape[:2]), dtype=bool)
        for mask, one in zip(masks, found):
            mask[:] = one['segmentation']
        scores = torch.tensor([one['predicted_iou'] for one in found], device=device)
        return Regions.of(torch.from_numpy(masks).to(device), scores)

    def _inside(self, image: np.ndarray, boxes: Tensor) -> Regions:
        """Return SAM's mask of each box (x1, y1, x2, y2)."""
        predictor = self._generator.predictor
        predictor.set_image(image)
        prompts = predictor.transform.apply_boxes_torch(boxes, image.shape[:2])
        masks, scores, _ = predictor.predict_torch(None, None, boxes=prompts,
                                                   multimask_output=False)
        predictor.reset_image()
        return Regions.of(masks[:, 0], scores[:, 0])


def with_boxes(process_crop: Callable[..., Any]) -> Callable[..., Any]:
    """Let the crop of each mask have four columns, also where no mask is left.

    Without it the generator of segment_anything 1.0 ends in an IndexError if it makes several crops
    of an image and finds nothing in any.
    """

    def process(*args: Any) -> Any:
        found = process_crop(*args)
        found['crop_boxes'] = found['crop_boxes'].reshape(-1, 4)
        return found

    return process
