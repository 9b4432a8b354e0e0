"""The self-training step as a segmentor of mmseg: what its runners, scripts and checkpoints see."""
from typing import Any, Dict, List, Optional

import torch
from mmseg.models.segmentors import BaseSegmentor
from torch import Tensor, nn

from ..errors import ConfigError
from ..uda.self_training import SelfTraining
from ..uda.training_state import load_training_state, training_state
from ..uda.views.view import Batch


class UDASegmentor(SelfTraining, BaseSegmentor):
    """mmseg's side of :class:`SelfTraining`: data dicts in, log dicts out, plain checkpoints.

    In the module tree are the student (``model``) and the regularizer; teacher, discriminators and
    frozen networks are not, so an optimizer or a checkpoint never sees them. A state dict holds the
    student alone, under the names of the plain segmentor (contract C1). Inference is the
    student's.
    """

    def _tie_state_dict_to_student(self) -> None:
        self._register_state_dict_hook(keep_student)
        self._register_load_state_dict_pre_hook(name_for_student)

    def init_weights(self) -> None:
        """The student's weights, and with them those of the networks that start as its copies."""
        self.model.init_weights()
        self.copy_student()

    def copy_student(self) -> None:
        """Teachers and the feature distance's network restart from the student as it is now."""
        for teacher in self.teachers:
            teacher.network.load_state_dict(self.model.state_dict())
        if self.feature_distance is not None:
            self.feature_distance.copy_student(encoder_of(self.model))

    def train_step(self, data_batch: Dict[str, Any], optimizer: torch.optim.Optimizer,
                   **kwargs) -> Dict[str, Any]:
        """One iteration with its backward passes and optimizer step (``optimizer_config=None``).

        Args:
            data_batch: ``img``, ``img_metas``, ``gt_semantic_seg`` and, unless only the source is
                trained on, ``target_img`` and optionally ``valid_pseudo_mask``, as tensors.
        """
        log_vars = self.step(self._batch(data_batch), optimizer)
        return dict(log_vars=log_vars, num_samples=len(data_batch['img']))

    def forward_train(self, img: Tensor, img_metas: List[dict], gt_semantic_seg: Tensor,
                      target_img: Optional[Tensor] = None,
                      target_img_metas: Optional[List[dict]] = None,
                      valid_pseudo_mask: Optional[Tensor] = None) -> Dict[str, Tensor]:
        """The losses of all views at once, for trainers that do the backward pass themselves."""
        if self.adversary is not None:
            raise ConfigError('lambda_adv_target trains discriminators beside the model: only '
                              'train_step() does (optimizer_config=None), forward_train() cannot')
        losses = self.losses(self._batch(dict(
            img=img, img_metas=img_metas, gt_semantic_seg=gt_semantic_seg,
            target_img=target_img, valid_pseudo_mask=valid_pseudo_mask)))
        self.iteration += 1
        return losses

    def _batch(self, data: Dict[str, Any]) -> Batch:
        if (self.teachers or self.has_target_view) and data.get('target_img') is None:
            raise ConfigError('this method learns from target images, but the training data has '
                              "none: set data.train to a dict(type='UDADataset', source=..., "
                              'target=...), or uda.source_only=True')
        return batch_of(data)

    def training_state(self) -> Dict[str, Any]:
        """See :func:`~mmseg_ssr.uda.training_state.training_state`."""
        return training_state(self)

    def load_training_state(self, state: Dict[str, Any]) -> None:
        """See :func:`~mmseg_ssr.uda.training_state.load_training_state`."""
        load_training_state(self, state)

    def extract_feat(self, img: Tensor):
        return self.model.extract_feat(img)

    def encode_decode(self, img: Tensor, img_metas: List[dict]) -> Tensor:
        return self.model.encode_decode(img, img_metas)

    def inference(self, img: Tensor, img_meta: List[dict], rescale: bool) -> Tensor:
        return self.model.inference(img, img_meta, rescale)

    def simple_test(self, img: Tensor, img_metas: List[dict], rescale: bool = True):
        return self.model.simple_test(img, img_metas, rescale)

    def aug_test(self, imgs: List[Tensor], img_metas: List[List[dict]], rescale: bool = True):
        return self.model.aug_test(imgs, img_metas, rescale)


def encoder_of(segmentor: nn.Module) -> nn.Module:
    """Backbone, and neck if there is one, as one network from images to stage maps."""
    if getattr(segmentor, 'neck', None) is None:
        return segmentor.backbone
    return nn.Sequential(segmentor.backbone, segmentor.neck)


def batch_of(data: Dict[str, Any]) -> Batch:
    """The tensors of a data dict; the normalization comes from the first image's metas."""
    norm = data['img_metas'][0]['img_norm_cfg']
    mean, std = (torch.as_tensor(norm[key], dtype=data['img'].dtype,
                                 device=data['img'].device).view(1, 3, 1, 1)
                 for key in ('mean', 'std'))
    return Batch(data['img'], data['gt_semantic_seg'], mean, std, data.get('target_img'),
                 data.get('valid_pseudo_mask'))


def keep_student(module: nn.Module, state_dict: dict, prefix: str, metadata: dict) -> None:
    """State dict hook: the student alone, under the names of a plain segmentor."""
    student = f'{prefix}model.'
    for key in [k for k in state_dict if k.startswith(prefix)]:
        value = state_dict.pop(key)
        if key.startswith(student):
            state_dict[prefix + key[len(student):]] = value


def name_for_student(state_dict: dict, prefix: str, *unused) -> None:
    """Load hook: the names of a plain segmentor lead to the student."""
    parts = tuple(f'{prefix}{name}.' for name in ('model', 'regularizer'))
    for key in [k for k in state_dict if k.startswith(prefix) and not k.startswith(parts)]:
        state_dict[f'{prefix}model.{key[len(prefix):]}'] = state_dict.pop(key)
