"""The networks of SAM (Segment Anything, arXiv 2304.02643): the image encoders and the whole."""
from functools import partial
from types import ModuleType
from typing import Any, Dict, Mapping, Optional

from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import CheckpointError, ConfigError, nearest
from ..weights import check_values, read_weights
from .sam_attention import SAMAttention, resample_positions
from .tiny_vit import TinyViTImageEncoder, folded_weights

#: Constructor arguments of the encoders. Those in :data:`SHARED` come to them in every ViT.
VARIANTS: Dict[str, Dict[str, Any]] = {
    'vit_b': dict(embed_dim=768, depth=12, num_heads=12, global_attn_indexes=(2, 5, 8, 11)),
    'vit_l': dict(embed_dim=1024, depth=24, num_heads=16, global_attn_indexes=(5, 11, 17, 23)),
    'vit_h': dict(embed_dim=1280, depth=32, num_heads=16, global_attn_indexes=(7, 15, 23, 31)),
    # MobileSAM, the defaults of TinyViTImageEncoder
    'vit_t': {},
    # 0.9 million parameters, trained by tools/pretrain_mini_sam.py
    'mini': dict(embed_dim=128, depth=4, num_heads=4, global_attn_indexes=(1, 3), patch_size=8,
                 window_size=8, out_chans=64),
}
SHARED = dict(patch_size=16, mlp_ratio=4, qkv_bias=True, use_rel_pos=True, window_size=14,
              out_chans=256)

#: Parts of a whole SAM, which begin the names of its weights.
PARTS = ('image_encoder', 'prompt_encoder', 'mask_decoder')


def build_image_encoder(variant: str, input_size: int,
                        encoder_args: Optional[Dict[str, Any]]) -> nn.Module:
    """Build the image encoder of a variant, with some of its arguments replaced.

    It is an ``ImageEncoderViT`` of segment_anything, or :class:`TinyViTImageEncoder` for 'vit_t'.

    Raises:
        ImportError: ``segment_anything`` is not installed and the variant needs it.
        ConfigError: the variant or an argument is unknown, or the input size does not fit.
    """
    check_input(variant, input_size, encoder_args)
    args = {**VARIANTS[variant], **(encoder_args or {})}
    build = TinyViTImageEncoder if variant == 'vit_t' else _build_vit
    try:
        return build(img_size=input_size, **args)
    except TypeError as error:
        raise ConfigError(f'encoder_args of the SAM encoder: {error}') from error


def check_input(variant: str = 'vit_b', input_size: int = 1024,
                encoder_args: Optional[Mapping[str, Any]] = None, **unused: Any) -> None:
    """Check a variant and its input size, among the arguments of an encoder.

    Raises:
        ConfigError: the variant is unknown, the input size does not fit, or an argument is of
            another type.
    """
    if variant not in VARIANTS:
        raise ConfigError(f'SAM variant must be one of {sorted(VARIANTS)}, got {variant!r}'
                          f'{nearest(variant, VARIANTS)}')
    if not isinstance(encoder_args, (Mapping, type(None))):
        raise ConfigError(f'encoder_args of the SAM encoder must be a dict, got {encoder_args!r}')
    patch = stride(variant, encoder_args)
    if not isinstance(input_size, int) or input_size < 1 or input_size % patch:
        raise ConfigError(f'input_size of the SAM encoder must be a multiple of its patch size '
                          f'{patch}, got {input_size!r}')


def stride(variant: str, encoder_args: Optional[Mapping[str, Any]] = None) -> int:
    """Return the pixels of a cell of the map of a known variant: its patch size, 16 of TinyViT."""
    return {**SHARED, **VARIANTS[variant], **(encoder_args or {})}['patch_size']


def _build_vit(**args: Any) -> nn.Module:
    image_encoder = segment_anything().ImageEncoderViT
    args = {**SHARED, **args}
    args.setdefault('norm_layer', partial(nn.LayerNorm, eps=args.pop('norm_eps', 1e-6)))
    return image_encoder(**args)


def segment_anything() -> ModuleType:
    """Import the networks of the package.

    Raises:
        ImportError: it is not installed. The message says how to install it.
    """
    try:
        from segment_anything import modeling
    except ImportError as error:
        raise ImportError('the SAM encoder needs the package segment-anything: '
                          'pip install segment-anything==1.0') from error
    return modeling


def build_sam(variant: str = 'vit_b',
              *,
              checkpoint: Optional[str],
              input_size: int = 1024,
              encoder_args: Optional[Dict[str, Any]] = None) -> nn.Module:
    """Build a whole SAM: ``segment_anything``'s ``Sam`` with image encoder, prompts and masks.

    It is in eval mode and works in ``SamPredictor`` and ``SamAutomaticMaskGenerator``.

    Args:
        variant: 'vit_b', 'vit_l', 'vit_h', 'vit_t' (MobileSAM) or 'mini'.
        checkpoint: file of the published SAM weights with all three parts. None takes random
            weights (tests, controls) and must be given explicitly.
        input_size: side of the square images that the encoder sees, in pixels, a multiple of 16 (8
            for 'mini'). 1024 as published.
        encoder_args: arguments of the image encoder that replace the variant's, for small ones.

    Raises:
        ImportError: ``segment_anything`` is not installed.
        ConfigError: the variant or an encoder argument is unknown, or the input size does not fit.
        MissingFile, CheckpointError: the weights are missing or do not fit.
    """
    modeling = segment_anything()
    image_encoder = build_image_encoder(variant, input_size, encoder_args)
    width = image_encoder.neck[0].out_channels
    cells = input_size // stride(variant, encoder_args)
    sam = modeling.Sam(
        image_encoder,
        modeling.PromptEncoder(embed_dim=width, image_embedding_size=(cells, cells),
                               input_image_size=(input_size, input_size), mask_in_chans=16),
        modeling.MaskDecoder(
            transformer_dim=width, num_multimask_outputs=3,
            transformer=modeling.TwoWayTransformer(depth=2, embedding_dim=width, mlp_dim=2048,
                                                   num_heads=8)))
    if checkpoint is not None:
        weights = read_weights(checkpoint)
        for part in PARTS:
            load_part(getattr(sam, part), part_of(weights, part), checkpoint, part)
    use_fused_attention(image_encoder)
    return sam.eval()


def use_fused_attention(image_encoder: nn.Module) -> None:
    """Let a ViT attend in torch's fused kernel. TinyViT of timm does so already."""
    for block in getattr(image_encoder, 'blocks', ()):
        block.attn = SAMAttention(block.attn)


def load_image_encoder(network: nn.Module, checkpoint: str) -> None:
    """Load the image encoder from a SAM checkpoint, or from one of the encoder alone, strictly.

    Raises:
        MissingFile, CheckpointError: the file is missing, cannot be read, or does not fit.
    """
    weights = read_weights(checkpoint)
    load_part(network, part_of(weights, 'image_encoder') or weights, checkpoint, 'encoder')


def part_of(weights: Mapping[str, Tensor], part: str) -> Dict[str, Tensor]:
    """Return the weights of a part of SAM, under the names that it has for itself."""
    prefix = f'{part}.'
    return {k[len(prefix):]: v for k, v in weights.items() if k.startswith(prefix)}


def load_part(network: nn.Module, weights: Mapping[str, Tensor], checkpoint: str,
              part: str) -> None:
    """Load the weights of a part of SAM strictly, in the network's layout and input size.

    Raises:
        CheckpointError: they are no numbers, or do not fit.
    """
    expected = network.state_dict()
    try:
        if isinstance(network, TinyViTImageEncoder):
            check_values(weights, weights, checkpoint)
            weights = folded_weights(weights)
        check_values(weights, expected, checkpoint)
        network.load_state_dict({k: resample_to(v, expected[k]) if k in expected else v
                                 for k, v in weights.items()})
    except CheckpointError:
        raise
    except (KeyError, RuntimeError) as error:
        summary = ' '.join(str(error).split())[:200]
        raise CheckpointError(f'{checkpoint} does not hold this SAM {part.replace("_", " ")} '
                              f'({summary}...): use the weights file of the variant in the '
                              'config') from error


def resample_to(value: Tensor, expected: Tensor) -> Tensor:
    """Resample a position table of another input size to the expected shape. Keep other values."""
    if value.shape == expected.shape:
        return value
    if value.dim() == 2 and value.shape[1] == expected.shape[1]:  # rel_pos, L x c
        return resample_positions(value, expected.shape[0])
    if value.dim() == 4 and value.shape[0] == 1:  # pos_embed, 1 x h x w x C
        resized = F.interpolate(value.permute(0, 3, 1, 2), size=expected.shape[1:3],
                                mode='bicubic', align_corners=False)
        return resized.permute(0, 2, 3, 1)
    return value
