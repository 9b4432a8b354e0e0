"""The image encoder of MobileSAM (arXiv 2306.14289): TinyViT (arXiv 2207.10666) and SAM's neck."""
import re
from typing import Dict, Mapping, Sequence, Tuple

from timm.layers import LayerNorm2d
from timm.models.tiny_vit import ConvNorm, TinyVit
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ..errors import ConfigError

#: Added to the variances of the published batch norms.
BATCH_NORM_EPS = 1e-5
#: Patterns of names in the published file that are not loaded: the classifier, counters, tables.
UNUSED = r'(norm_head|head)\.|.*\.(num_batches_tracked|attention_bias_idxs|ab)$'


class TinyViTImageEncoder(nn.Module):
    """TinyViT with SAM's neck: normalized images B x 3 x H x W -> maps B x C x H/16 x W/16.

    It is built of timm's TinyViT. The last stage keeps the resolution of the one before, so the map
    has SAM's stride. Every batch norm is folded into the convolution before it, so the network is
    for inference only. Sides may be any multiples of 16. If they are no multiples of 224, the
    windows of 7 and 14 cells reach over the right and lower border, where they see zeros as in the
    training of the published weights (1024 x 1024).

    Args:
        img_size: side of the images in pixels, for the users of SAM who ask for it.
        embed_dims, depths, num_heads, window_sizes: channels, blocks, heads and sides of windows of
            the four stages. The first stage has no attention and leaves the last two unused.
        out_chans: C, the channels of the map.

    Raises:
        ConfigError: there are not four values each, or the heads do not divide the channels.
    """

    def __init__(self,
                 img_size: int = 1024,
                 embed_dims: Sequence[int] = (64, 128, 160, 320),
                 depths: Sequence[int] = (2, 2, 6, 2),
                 num_heads: Sequence[int] = (2, 4, 5, 10),
                 window_sizes: Sequence[int] = (7, 7, 14, 7),
                 out_chans: int = 256):
        super().__init__()
        stages = dict(embed_dims=embed_dims, depths=depths, num_heads=num_heads,
                      window_sizes=window_sizes)
        for name, values in stages.items():
            if len(values) != 4:
                raise ConfigError(f'{name} of TinyViT must have four values, one for each stage, '
                                  f'got {values}')
        if any(width % heads for width, heads in zip(embed_dims[1:], num_heads[1:])):
            raise ConfigError(f'num_heads of TinyViT must divide embed_dims, got {num_heads} for '
                              f'{embed_dims}')
        network = TinyVit(num_classes=0, drop_path_rate=0., **stages)
        network.stages[-1].downsample.conv2.conv.stride = (1, 1)
        fold_batch_norms(network)
        self.img_size = img_size
        self.patch_embed = network.patch_embed
        self.stages = network.stages
        self.neck = nn.Sequential(
            nn.Conv2d(embed_dims[-1], out_chans, 1, bias=False), LayerNorm2d(out_chans),
            nn.Conv2d(out_chans, out_chans, 3, padding=1, bias=False), LayerNorm2d(out_chans))

    def forward(self, img: Tensor) -> Tensor:
        """Map images B x 3 x H x W to B x C x H/16 x W/16."""
        return self.neck(self.stages(self.patch_embed(img)))


def fold_batch_norms(module: nn.Module) -> None:
    """Replace every convolution with batch norm in a network of timm by one convolution."""
    for name, child in module.named_children():
        if isinstance(child, ConvNorm):
            setattr(module, name, child.fuse())
        else:
            fold_batch_norms(child)


def folded_weights(weights: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """Return published weights as :class:`TinyViTImageEncoder` names them.

    Args:
        weights: weights of MobileSAM's image encoder, without the prefix. The batch norms may stand
            in them as trained, as the identity, or not at all if the convolutions have a bias.

    Raises:
        KeyError, RuntimeError: a batch norm or a part of it is missing, or its shape fits no
            convolution.
    """
    folded = {}
    for name, value in weights.items():
        start, is_convolution, _ = name.partition('.c.weight')
        if is_convolution:
            weight, bias = folded_convolution(weights, start)
            folded[f'{own_name(start)}.weight'] = weight
            folded[f'{own_name(start)}.bias'] = bias
        elif not re.match(UNUSED, name) and not re.search(r'\.(bn\.\w+|c\.bias)$', name):
            folded[own_name(name)] = value
    return folded


def folded_convolution(weights: Mapping[str, Tensor], start: str) -> Tuple[Tensor, Tensor]:
    """Return weight and bias of the convolution ``start``.c with its batch norm ``start``.bn."""
    weight, bias = weights[f'{start}.c.weight'], weights.get(f'{start}.c.bias')
    if bias is None or any(name.startswith(f'{start}.bn.') for name in weights):
        gain, shift, mean, variance = (
            weights[f'{start}.bn.{part}']
            for part in ('weight', 'bias', 'running_mean', 'running_var'))
        weight, bias = fuse_conv_bn_weights(weight, bias, mean, variance, BATCH_NORM_EPS, gain,
                                            shift)
    return weight, bias


def own_name(name: str) -> str:
    """Translate a published name. There a stage ends, here it begins with the merging."""
    name = name.replace('patch_embed.seq.0', 'patch_embed.conv1')
    name = name.replace('patch_embed.seq.2', 'patch_embed.conv2')
    name = re.sub(r'^layers\.(\d+)\.downsample\b',
                  lambda found: f'stages.{int(found[1]) + 1}.downsample', name)
    return re.sub(r'^layers\.', 'stages.', name)
