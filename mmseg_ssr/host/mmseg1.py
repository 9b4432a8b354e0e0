"""The names of mmseg 1.x on mmengine and mmcv 2.x, and the logits of its segmentors.

:class:`EncoderDecoder` and :class:`BaseDecodeHead` are mmseg's with the interface of 0.x for
training. So the networks of this package are written once.
"""
import logging
import re
from typing import Any, Dict, List, Optional, Sequence

import torch
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule, build_norm_layer
from mmengine import Config, ConfigDict
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from mmengine.registry import Registry
from mmengine.structures import PixelData
from mmseg.models import segmentors
from mmseg.models.backbones import MobileNetV2
from mmseg.models.decode_heads import decode_head
from mmseg.models.decode_heads.aspp_head import ASPPModule
from mmseg.models.decode_heads.sep_aspp_head import DepthwiseSeparableASPPModule
from mmseg.models.segmentors import BaseSegmentor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from ..errors import ConfigError
from ..uda import student

__all__ = ['ASPPModule', 'BACKBONES', 'BaseDecodeHead', 'BaseModule', 'BaseSegmentor', 'Config',
           'ConfigDict', 'ConvModule', 'DepthwiseSeparableASPPModule',
           'DepthwiseSeparableConvModule', 'EncoderDecoder', 'HEADS', 'LOSSES', 'METHODS',
           'MobileNetV2', 'NECKS', 'SEGMENTORS', 'TRAIN_CFG', 'build_norm_layer', 'head_losses',
           'in_its_words', 'labels_of', 'logger', 'preprocessing']

# mmseg 1.x has one registry for all of them.
BACKBONES = HEADS = LOSSES = NECKS = SEGMENTORS = MODELS

#: The registries in which configs look for methods.
METHODS: List[Registry] = [MODELS]

#: ``train_cfg`` of a segmentor whose config has none. Only a config that says None, as mmseg's
#: ``init_model`` does, builds for inference.
TRAIN_CFG: Optional[dict] = ConfigDict()


#: Places in a config of mmseg 0.x -> those of mmseg 1.x, where a method goes around its student.
PLACES = [(re.compile(old), new) for old, new in (
    (r'(?<![\w.])model\.(?=[a-z])', 'model.model.'), (r'(?<![\w.])uda(?=[.:])', 'model'),
    (r'(?<![\w./])uda\b(?![./])', 'the method'))]


class EncoderDecoder(segmentors.EncoderDecoder):
    """mmseg's ``EncoderDecoder``, whose losses derived classes give by ``forward_train``."""

    def loss(self, inputs: Tensor, data_samples: Sequence[SegDataSample]) -> Dict[str, Tensor]:
        """Return the losses of a batch, see :meth:`forward_train`."""
        return self.forward_train(inputs, [sample.metainfo for sample in data_samples],
                                  labels_of(data_samples))

    def forward_train(self, img: Tensor, img_metas: List[dict],
                      gt_semantic_seg: Tensor) -> Dict[str, Tensor]:
        """Return mmseg's losses of images B x 3 x H x W with labels B x 1 x H x W."""
        return super().loss(img, _samples(gt_semantic_seg, img_metas))

    def slide_inference(self, img: Tensor, img_metas: List[dict], rescale: bool = False) -> Tensor:
        """Return mmseg's logits of all windows. mmseg 1.x resizes them later."""
        return super().slide_inference(img, img_metas)

    def whole_inference(self, img: Tensor, img_metas: List[dict], rescale: bool = False) -> Tensor:
        """Return mmseg's logits of the whole image. mmseg 1.x resizes them later."""
        return super().whole_inference(img, img_metas)


class BaseDecodeHead(decode_head.BaseDecodeHead):
    """mmseg's ``BaseDecodeHead``, whose losses derived classes give by ``forward_train``."""

    def loss(self, inputs: Any, batch_data_samples: Sequence[SegDataSample],
             train_cfg: Optional[dict]) -> Dict[str, Tensor]:
        """Return the losses of features, see :meth:`forward_train`."""
        return self.forward_train(inputs, [sample.metainfo for sample in batch_data_samples],
                                  labels_of(batch_data_samples), train_cfg)

    def forward_train(self, inputs: Any, img_metas: List[dict], gt_semantic_seg: Tensor,
                      train_cfg: Optional[dict]) -> Dict[str, Tensor]:
        """Return mmseg's losses of features with labels B x 1 x H x W."""
        return super().loss(inputs, _samples(gt_semantic_seg, img_metas), train_cfg)


def labels_of(samples: Sequence[SegDataSample]) -> Tensor:
    """Return the labels of samples, B x 1 x H x W."""
    return torch.stack([sample.gt_sem_seg.data for sample in samples])


def _samples(label: Tensor, metas: List[dict]) -> List[SegDataSample]:
    """Return mmseg's form of labels B x 1 x H x W."""
    return [SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=one))
            for one, meta in zip(label, metas)]


def _metas(img: Tensor) -> List[dict]:
    """Return what mmseg asks of the images B x 3 x H x W of a batch."""
    size = img.shape[2:]
    return [dict(ori_shape=size, img_shape=size, pad_shape=size, padding_size=[0, 0, 0, 0])
            for _ in img]


def logger() -> logging.Logger:
    """Return the logger that mmseg and mmengine write to."""
    return MMLogger.get_current_instance()


@student.image_logits.register(BaseSegmentor)
def image_logits(segmentor: BaseSegmentor, img: Tensor) -> Tensor:
    """Return the segmentor's own logits, B x K x H x W."""
    return segmentor.encode_decode(img, _metas(img))


@student.head_logits.register(segmentors.EncoderDecoder)
def head_logits(segmentor: segmentors.EncoderDecoder, features: Any, img: Tensor) -> Tensor:
    """Return the logits B x K x H x W of features of the image."""
    return segmentor.decode_head.predict(features, _metas(img), segmentor.test_cfg)


def head_losses(head: nn.Module, features: Any, img_metas: List[dict], label: Tensor,
                train_cfg: Optional[dict]) -> Dict[str, Tensor]:
    """Return the head's own losses on features, for a label B x 1 x H x W."""
    return head.loss(features, _samples(label, img_metas), train_cfg)


def preprocessing(config: Any) -> Dict[str, Any]:
    """Return the arguments with which a segmentor hands ``data_preprocessor`` to mmseg's class."""
    return dict(data_preprocessor=config)


def in_its_words(error: Exception) -> Optional[ConfigError]:
    """Return a method's error about a config with the keys of mmseg 1.x, or None for others."""
    return error.reworded(_replaced) if isinstance(error, ConfigError) else None


def _replaced(line: str) -> str:
    for old, new in PLACES:
        line = old.sub(new, line)
    return line
