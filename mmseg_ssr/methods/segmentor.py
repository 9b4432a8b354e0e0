"""The self-training step as a segmentor of mmseg, for its runners, scripts and checkpoints."""
from typing import Any, Dict, List, Optional

import torch
from torch import Tensor

from ..errors import ConfigError
from ..host import BaseSegmentor
from ..uda.segmentor import StudentSegmentor
from ..uda.views.view import Batch
from ..utils.device import send


class UDASegmentor(StudentSegmentor, BaseSegmentor):
    """The side of mmseg 0.x: data dicts in, log dicts out. The student alone does the inference."""

    def train_step(self, data_batch: Dict[str, Any], optimizer: torch.optim.Optimizer,
                   **kwargs) -> Dict[str, Any]:
        """Run one iteration with backward passes and optimizer step (``optimizer_config=None``).

        Args:
            data_batch: ``img``, ``img_metas`` and ``gt_semantic_seg``. Methods that use target
                images need ``target_img`` as well, and take ``valid_pseudo_mask``. All but the
                metas are tensors.
        """
        log_vars = self.step(self._batch(data_batch), optimizer)
        return dict(log_vars=log_vars, num_samples=len(data_batch['img']))

    def forward_train(self, img: Tensor, img_metas: List[dict], gt_semantic_seg: Tensor,
                      target_img: Optional[Tensor] = None,
                      target_img_metas: Optional[List[dict]] = None,
                      valid_pseudo_mask: Optional[Tensor] = None) -> Dict[str, Tensor]:
        """Return the losses of all views at once, for trainers that call backward themselves."""
        if self.adversary is not None:
            raise ConfigError('lambda_adv_target trains discriminators beside the model: only '
                              'train_step() does (optimizer_config=None), forward_train() cannot')
        losses = self.losses(self._batch(dict(
            img=img, img_metas=img_metas, gt_semantic_seg=gt_semantic_seg,
            target_img=target_img, valid_pseudo_mask=valid_pseudo_mask)))
        self.iteration += 1
        return losses

    def _batch(self, data: Dict[str, Any]) -> Batch:
        return self.checked(batch_of(data), 'data.train')

    def inference(self, img: Tensor, img_meta: List[dict], rescale: bool) -> Tensor:
        return self.model.inference(img, img_meta, rescale)

    def simple_test(self, img: Tensor, img_metas: List[dict], rescale: bool = True):
        return self.model.simple_test(img, img_metas, rescale)

    def aug_test(self, imgs: List[Tensor], img_metas: List[List[dict]], rescale: bool = True):
        return self.model.aug_test(imgs, img_metas, rescale)


def batch_of(data: Dict[str, Any]) -> Batch:
    """Return the tensors of a data dict. The normalization is in the first image's metas."""
    norm = data['img_metas'][0]['img_norm_cfg']
    img = data['img']
    mean, std = (send(torch.as_tensor(norm[key], dtype=img.dtype), img.device).view(1, 3, 1, 1)
                 for key in ('mean', 'std'))
    return Batch(img, data['gt_semantic_seg'], mean, std, data.get('target_img'),
                 data.get('valid_pseudo_mask'), data.get('encoder_map'),
                 data.get('target_encoder_map'))
