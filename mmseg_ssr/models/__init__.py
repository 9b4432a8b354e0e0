"""Networks as mmseg citizens: importing this package registers them."""
from .daformer_head import DAFormerHead
from .hrda_encoder_decoder import HRDAEncoderDecoder
from .hrda_head import HRDAHead
from .mit import MiT, mit_b0, mit_b1, mit_b2, mit_b3, mit_b4, mit_b5
from .ssr_encoder_decoder import SSREncoderDecoder

__all__ = ['DAFormerHead', 'HRDAEncoderDecoder', 'HRDAHead', 'MiT', 'SSREncoderDecoder', 'mit_b0',
           'mit_b1', 'mit_b2', 'mit_b3', 'mit_b4', 'mit_b5']
