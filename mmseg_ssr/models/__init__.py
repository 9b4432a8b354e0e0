"""Networks of mmseg. Importing this package registers them."""
from .daformer_head import DAFormerHead
from .dlv2_head import DLV2Head
from .feature_pyramid import SimpleFeaturePyramid
from .foundation_backbone import FoundationBackbone
from .hrda_encoder_decoder import HRDAEncoderDecoder
from .hrda_head import HRDAHead
from .mask_former import Mask2Former, Mask2FormerHead, SARFormer, SARFormerHead
from .mit import MiT, mit_b0, mit_b1, mit_b2, mit_b3, mit_b4, mit_b5
from .mobilenet import mobilenet_v2
from .ssr_encoder_decoder import SSREncoderDecoder
from .upscale_head import PyramidUpscaleHead, UpscaleHead
from .vit_adapter import BEiTAdapter, DINOv2Adapter

__all__ = ['BEiTAdapter', 'DAFormerHead', 'DINOv2Adapter', 'DLV2Head', 'FoundationBackbone',
           'HRDAEncoderDecoder', 'HRDAHead', 'Mask2Former', 'Mask2FormerHead', 'MiT',
           'PyramidUpscaleHead', 'SARFormer', 'SARFormerHead', 'SSREncoderDecoder',
           'SimpleFeaturePyramid', 'UpscaleHead', 'mit_b0', 'mit_b1', 'mit_b2', 'mit_b3', 'mit_b4',
           'mit_b5', 'mobilenet_v2']
