"""The same networks in other packages, with the same weights, to be timed beside ours."""
import importlib.util
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Optional, Sequence

import mmseg
import torch
from mmseg.models.builder import BACKBONES
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError
from ..regularizer import FrozenSAMEncoder
from ..regularizer.sam_network import build_image_encoder, load_image_encoder
from ..utils.atomic_file import atomic_file

# ------------------------------------------------------------------ the SAM encoder
SamArguments = Optional[Dict[str, Any]]


def own_sam(size: int, checkpoint: str, encoder_args: SamArguments) -> nn.Module:
    return FrozenSAMEncoder('vit_b', checkpoint=checkpoint, input_size=size,
                            encoder_args=encoder_args)


def segment_anything_sam(size: int, checkpoint: str, encoder_args: SamArguments) -> nn.Module:
    network = build_image_encoder('vit_b', size, encoder_args)
    load_image_encoder(network, checkpoint)
    return network


def timm_sam(size: int, checkpoint: str, encoder_args: SamArguments) -> nn.Module:
    """Build timm's ``samvit_base_patch16``."""
    import timm
    network = timm.create_model('samvit_base_patch16', pretrained=False, num_classes=0,
                                img_size=size, **(encoder_args or {}))
    weights = segment_anything_sam(size, checkpoint, encoder_args).state_dict()
    network.load_state_dict({key.replace('mlp.lin', 'mlp.fc'): value
                             for key, value in weights.items()})
    return Adapted(network, lambda network, img: network.forward_features(img))


class Adapted(nn.Module):
    """A network of another package as a function from images to its map."""

    def __init__(self, network: nn.Module, encode: Callable[[nn.Module, Tensor], Tensor]):
        super().__init__()
        self.network = network
        self.encode = encode

    def forward(self, img: Tensor) -> Tensor:
        return self.encode(self.network, img)


def transformers_sam(size: int, checkpoint: str, encoder_args: SamArguments) -> nn.Module:
    """Build the ``SamVisionModel`` of transformers."""
    from transformers import SamVisionConfig, SamVisionModel
    given = {**dict(embed_dim=768, depth=12, num_heads=12, window_size=14,
                    global_attn_indexes=(2, 5, 8, 11)), **(encoder_args or {})}
    network = SamVisionModel(SamVisionConfig(
        hidden_size=given['embed_dim'], num_hidden_layers=given['depth'],
        num_attention_heads=given['num_heads'], image_size=size, mlp_ratio=4.,
        mlp_dim=4 * given['embed_dim'], window_size=given['window_size'],
        global_attn_indexes=list(given['global_attn_indexes'])))
    weights = segment_anything_sam(size, checkpoint, encoder_args).state_dict()
    network.vision_encoder.load_state_dict(
        {transformers_name(key): value for key, value in weights.items()})
    return Adapted(network, lambda network, img: network(img).last_hidden_state)


def transformers_name(key: str) -> str:
    """Translate a weight's name from segment_anything to transformers."""
    for old, new in (('patch_embed.proj', 'patch_embed.projection'), ('blocks.', 'layers.'),
                     ('norm1', 'layer_norm1'), ('norm2', 'layer_norm2'), ('neck.0', 'neck.conv1'),
                     ('neck.1', 'neck.layer_norm1'), ('neck.2', 'neck.conv2'),
                     ('neck.3', 'neck.layer_norm2')):
        key = key.replace(old, new)
    return key


#: Builders by package, ours first.
SAM_ENCODERS: Dict[str, Callable[[int, str, SamArguments], nn.Module]] = {
    'mmseg_ssr': own_sam,
    'segment_anything': segment_anything_sam,
    'timm': timm_sam,
    'transformers': transformers_sam,
}


def random_sam_weights(path: str, encoder_args: SamArguments, seed: int = 0) -> None:
    """Write random weights of SAM's image encoder at 1024 pixels. No table of them is zero."""
    torch.manual_seed(seed)
    network = build_image_encoder('vit_b', 1024, encoder_args)
    for name, parameter in network.named_parameters():
        if 'pos' in name:
            nn.init.normal_(parameter, std=0.1)
    with atomic_file(path) as file:
        torch.save(network.state_dict(), file)


# ------------------------------------------------------------------ the MiT encoder
def own_mit(name: str) -> nn.Module:
    """Build ours without stochastic depth, with weights from a fixed seed."""
    torch.manual_seed(0)
    network = BACKBONES.build(dict(type=name, drop_path_rate=0.))
    network.init_weights()
    return network


def mmseg_mit(name: str) -> nn.Module:
    """Build mmseg's ``MixVisionTransformer`` with the same weights, by mmseg's converter."""
    own = own_mit(name)
    depths = [len(getattr(own, f'block{i}')) for i in range(1, 5)]
    network = BACKBONES.get('MixVisionTransformer')(
        embed_dims=own.embed_dims[0], num_layers=depths, num_heads=[1, 2, 5, 8],
        patch_sizes=[7, 3, 3, 3], sr_ratios=[8, 4, 2, 1], drop_path_rate=0.)
    network.load_state_dict(mit_converter().convert_mit(own.state_dict()))
    return network


def mit_converter() -> ModuleType:
    """Load the script of the mmsegmentation package that converts SegFormer's weights."""
    path = Path(mmseg.__path__[0]) / '.mim' / 'tools' / 'model_converters' / 'mit2mmseg.py'
    if not path.is_file():
        raise ConfigError(f'{path} is missing: mmsegmentation was installed without its tools')
    spec = importlib.util.spec_from_file_location('mit2mmseg', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MIT_ENCODERS: Dict[str, Callable[[str], nn.Module]] = {'mmseg_ssr': own_mit, 'mmseg': mmseg_mit}


# ------------------------------------------------------------------ the regularizer
class UnfusedRegularizer(nn.Module):
    """The regularization branch with unfused attention: product, softmax, product.

    Its weights have the names of :class:`~mmseg_ssr.regularizer.FeatureRegularizer`.
    """

    def __init__(self, channels: Sequence[int], heads: Sequence[int], context_channels: int):
        super().__init__()
        self.projections = nn.ModuleDict({
            str(i): nn.Linear(context_channels, width) for i, width in enumerate(channels)})
        self.attentions = nn.ModuleDict({
            str(i): UnfusedAttention(width, count)
            for i, (width, count) in enumerate(zip(channels, heads))})

    def forward(self, features: Sequence[Tensor], context: Tensor) -> Sequence[Tensor]:
        tokens = context.flatten(2).transpose(1, 2)
        enhanced = []
        for i, feature in enumerate(features):
            attended = self.attentions[str(i)](
                feature.flatten(2).transpose(1, 2), self.projections[str(i)](tokens))
            enhanced.append(feature + attended.transpose(1, 2).reshape(feature.shape))
        return enhanced


class UnfusedAttention(nn.Module):

    def __init__(self, channels: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(channels, channels, bias=False)
        self.kv = nn.Linear(channels, 2 * channels, bias=False)
        self.proj = nn.Linear(channels, channels)

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        split = partial(split_heads, heads=self.num_heads)
        q, (k, v) = split(self.q(query)), map(split, self.kv(context).chunk(2, dim=-1))
        weights = F.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, dim=-1)
        return self.proj((weights @ v).transpose(1, 2).flatten(2))


def split_heads(tokens: Tensor, heads: int) -> Tensor:
    """B x N x C -> B x heads x N x C / heads."""
    return tokens.unflatten(-1, (heads, -1)).transpose(1, 2)


# ------------------------------------------------------------------ the teacher
@torch.no_grad()
def average_in_place(teacher: nn.Module, student: nn.Module, alpha: float) -> None:
    """Update one tensor after the other, in place."""
    for own, new in zip(teacher.parameters(), student.parameters()):
        own.mul_(alpha).add_(new, alpha=1 - alpha)


@torch.no_grad()
def average_by_copies(teacher: nn.Module, student: nn.Module, alpha: float) -> None:
    """Update one tensor after the other by a new sum and a copy, as published codes do."""
    for own, new in zip(teacher.parameters(), student.parameters()):
        own.copy_(alpha * own + (1 - alpha) * new)
