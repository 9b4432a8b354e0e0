"""The names of mmseg 0.16 to 0.30 on mmcv 1.x, and the logits of its segmentors."""
import logging
from typing import Any, Dict, List, Optional

from mmcv import Config, ConfigDict
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
from torch import Tensor, nn

from ..errors import ConfigError
from ..uda import student

__all__ = ['ASPPModule', 'BACKBONES', 'BaseDecodeHead', 'BaseModule', 'BaseSegmentor', 'Config',
           'ConfigDict', 'ConvModule', 'DepthwiseSeparableASPPModule',
           'DepthwiseSeparableConvModule', 'EncoderDecoder', 'HEADS', 'LOSSES', 'METHODS',
           'MobileNetV2', 'NECKS', 'SEGMENTORS', 'TRAIN_CFG', 'build_norm_layer', 'head_losses',
           'in_its_words', 'logger', 'preprocessing']

#: The registries in which configs look for methods. MIC and its relatives add one of their own.
METHODS: List[Registry] = [SEGMENTORS, *([builder.UDA] if hasattr(builder, 'UDA') else [])]

#: ``train_cfg`` of a segmentor whose config has none. mmseg's test script gives none, and so builds
#: for inference.
TRAIN_CFG: Optional[dict] = None


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


def head_losses(head: nn.Module, features: Any, img_metas: List[dict], label: Tensor,
                train_cfg: Optional[dict]) -> Dict[str, Tensor]:
    """Return the head's own losses on features, for a label B x 1 x H x W."""
    return head.forward_train(features, img_metas, label, train_cfg)


def preprocessing(config: Any) -> Dict[str, Any]:
    """Return the arguments with which a segmentor hands ``data_preprocessor`` to mmseg's class.

    Raises:
        ConfigError: there is one. It belongs to mmseg 1.x.
    """
    if config is not None:
        raise ConfigError('model.data_preprocessor belongs to mmseg 1.x, and mmseg 0.x is '
                          'installed: write img_norm_cfg into the pipeline (docs/mmseg1.md)')
    return {}


def in_its_words(error: Exception) -> None:
    """Return None: errors name the keys of a config as mmseg 0.x has them."""
