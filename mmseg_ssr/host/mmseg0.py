"""The names of mmseg 0.16 to 0.30 on mmcv 1.x, and the logits of its segmentors."""
import logging
from typing import Any, List

from mmcv import ConfigDict
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule, build_norm_layer
from mmcv.runner import BaseModule
from mmcv.utils import Registry
from mmseg.models import builder
from mmseg.models.backbones import MobileNetV2
from mmseg.models.builder import BACKBONES, HEADS, LOSSES, NECKS, SEGMENTORS
from mmseg.models.decode_heads.aspp_head import ASPPModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.sep_aspp_head import DepthwiseSeparableASPPModule
from mmseg.models.segmentors import BaseSegmentor, EncoderDecoder
from mmseg.utils import get_root_logger
from torch import Tensor

from ..uda import student

__all__ = ['ASPPModule', 'BACKBONES', 'BaseDecodeHead', 'BaseModule', 'BaseSegmentor', 'ConfigDict',
           'ConvModule', 'DepthwiseSeparableASPPModule', 'DepthwiseSeparableConvModule',
           'EncoderDecoder', 'HEADS', 'LOSSES', 'METHODS', 'MobileNetV2', 'NECKS', 'SEGMENTORS',
           'build_norm_layer', 'logger']

#: The registries in which configs look for methods. MIC and its relatives add one of their own.
METHODS: List[Registry] = [SEGMENTORS, *([builder.UDA] if hasattr(builder, 'UDA') else [])]


def logger() -> logging.Logger:
    """Return the logger that mmseg and mmcv write to."""
    return get_root_logger()


@student.image_logits.register(BaseSegmentor)
def image_logits(segmentor: BaseSegmentor, img: Tensor) -> Tensor:
    """Return the segmentor's own logits, B x K x H x W."""
    return segmentor.encode_decode(img, None)


@student.head_logits.register(EncoderDecoder)
def head_logits(segmentor: EncoderDecoder, features: Any, img: Tensor) -> Tensor:
    """Return the logits B x K x H x W of features of the image."""
    logits = segmentor._decode_head_forward_test(features, None)
    return student.resized(logits, img, segmentor.align_corners)
