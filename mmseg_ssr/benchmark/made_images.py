"""Generated images and labels. This module imports torch alone, as :mod:`.measure` does."""
from typing import Any, Dict

import torch

#: Side in pixels of the one-class squares in labels.
PATCH = 32
NORM = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)


def made_batch(batch: int, crop: int, num_classes: int) -> Dict[str, Any]:
    """Noise as images of both domains, labels of one-class squares, the top rows ignored."""
    random = torch.Generator().manual_seed(1)
    side = -(-crop // PATCH)
    label = torch.randint(0, num_classes, (batch, 1, side, side), generator=random)
    label = label.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)[..., :crop, :crop]
    label[:, :, :PATCH // 8] = 255
    images = torch.randn(2, batch, 3, crop, crop, generator=random)
    metas = [dict(img_norm_cfg=NORM, img_shape=(crop, crop, 3), pad_shape=(crop, crop, 3),
                  ori_shape=(crop, crop, 3), scale_factor=1., flip=False, filename='made')
             for _ in range(batch)]
    return dict(img=images[0], img_metas=metas, gt_semantic_seg=label.contiguous(),
                target_img=images[1], target_img_metas=metas)
