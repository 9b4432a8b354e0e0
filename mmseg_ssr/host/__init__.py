"""The one place that knows which line of OpenMMLab is installed.

mmseg 0.16 to 0.30 (mmcv 1.x) is :mod:`.mmseg0`. Another line gets a module that gives the same
names; models and methods take them from here.
"""
from ..utils.versions import check_versions

check_versions()

from .mmseg0 import (  # noqa: E402
    BACKBONES,
    HEADS,
    LOSSES,
    METHODS,
    NECKS,
    SEGMENTORS,
    ASPPModule,
    BaseDecodeHead,
    BaseModule,
    BaseSegmentor,
    ConfigDict,
    ConvModule,
    DepthwiseSeparableASPPModule,
    DepthwiseSeparableConvModule,
    EncoderDecoder,
    logger,
)

__all__ = ['ASPPModule', 'BACKBONES', 'BaseDecodeHead', 'BaseModule', 'BaseSegmentor', 'ConfigDict',
           'ConvModule', 'DepthwiseSeparableASPPModule', 'DepthwiseSeparableConvModule',
           'EncoderDecoder', 'HEADS', 'LOSSES', 'METHODS', 'NECKS', 'SEGMENTORS', 'logger']
