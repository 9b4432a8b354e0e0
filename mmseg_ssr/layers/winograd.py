"""3 x 3 convolutions of many channels on a CPU, by Winograd's algorithm F(2 x 2, 3 x 3).

DAFormer's decoder has one from 1024 to 256 channels. A tile of 2 x 2 outputs takes 36
multiplications for each pair of channels. From sums and differences of its 4 x 4 inputs it takes 16
(Lavin and Gray, arXiv 1509.09308, Sec. 4.1), and these are matrix products.
"""
from math import prod
from typing import Any, Iterator, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn
from torch.amp import custom_bwd, custom_fwd
from torch.autograd.function import once_differentiable

from .on_cpu import eager_float32

#: Sums and differences of the three taps of a kernel, along one axis: G of the paper.
KERNEL = ((1., 0., 0.), (.5, .5, .5), (.5, -.5, .5), (0., 0., 1.))
#: Bytes of the transformed tiles that are worked on together.
CACHE = 32 << 20
#: C * D / (C + D) from which fewer products save more than the sums cost.
WIDE = 128
#: Pixels of a map from which the transformed kernels are worth their time.
MANY = 64 * 64


class WinogradConv2d(nn.Conv2d):
    """A 3 x 3 convolution of one stride, padded by one pixel.

    On large contiguous maps of even sides, without bias, in float32 on a CPU, its outputs and
    gradients are those of a plain one to rounding. There it has no second derivatives. Elsewhere it
    is the plain one.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        height, width = input.shape[-2:]
        fits = height % 2 == width % 2 == 0 and height * width >= MANY and input.dim() == 4
        if bias is None and fits and input.is_contiguous() and eager_float32(input, weight):
            return _Convolution.apply(input, weight)
        return super()._conv_forward(input, weight, bias)


def use_winograd(network: nn.Module) -> None:
    """Make torch's wide 3 x 3 convolutions in a network a :class:`WinogradConv2d`.

    They stay the same objects, with their weights and hooks. Convolutions with other options stay
    as they are.
    """
    for module in network.modules():
        if type(module) is nn.Conv2d and _allows(module):
            module.__class__ = WinogradConv2d


def _allows(conv: nn.Conv2d) -> bool:
    inputs, outputs = conv.in_channels, conv.out_channels
    return (conv.kernel_size == (3, 3) and conv.padding == conv.stride == conv.dilation == (1, 1)
            and conv.groups == 1 and conv.padding_mode == 'zeros'
            and inputs * outputs >= WIDE * (inputs + outputs))


class _Convolution(torch.autograd.Function):

    @staticmethod
    @custom_fwd(device_type='cpu')
    def forward(ctx: Any, input: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(input, weight)
        return _convolve(input, weight)

    @staticmethod
    @once_differentiable
    @custom_bwd(device_type='cpu')
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], Optional[Tensor]]:
        input, weight = ctx.saved_tensors
        of_input, of_weight = ctx.needs_input_grad
        return (_convolve(gradient, weight.flip(2, 3).transpose(0, 1)) if of_input else None,
                _weight_gradient(input, gradient) if of_weight else None)


def _convolve(maps: Tensor, weight: Tensor) -> Tensor:
    """Convolve B x C x H x W with D x C x 3 x 3."""
    factor = maps.new_tensor(KERNEL)
    kernels = torch.einsum('ai,dcij,bj->abdc', factor, weight, factor).flatten(0, 1)
    output = maps.new_empty(len(maps), len(weight), *maps.shape[2:])
    for tiles, strip in _strips(maps, max(weight.shape[:2])):
        products = (kernels @ tiles).unflatten(0, (4, 4)).unflatten(-1, (-1, maps.shape[3] // 2))
        halves = products.new_empty(2, *products.shape[1:])
        _outputs(products, halves)
        for half, rows in zip(halves, _pairs(output[strip], 1)):
            _outputs(half, _pairs(rows, 2))
    return output


def _weight_gradient(maps: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient of D x C x 3 x 3, from maps with C and gradients with D channels."""
    channels, width = gradient.shape[1], maps.shape[1]
    sums = maps.new_zeros(16, channels, width)
    for tiles, strip in _strips(maps, max(channels, width)):
        rows = _spread(*_pairs(gradient[strip], 1))
        spread = torch.stack([each for row in rows for each in _spread(*_pairs(row, 2))])
        torch.baddbmm(sums, spread.flatten(2), tiles.transpose(1, 2), out=sums)
    factor = maps.new_tensor(KERNEL)
    return torch.einsum('ai,abdc,bj->dcij', factor, sums.unflatten(0, (4, 4)), factor)


def _strips(maps: Tensor, widest: int) -> Iterator[Tuple[Tensor, Tuple[int, slice, slice]]]:
    """Iterate over the transformed tiles of a strip, 16 x C x T, and where its outputs are.

    The next strip overwrites the tiles.

    Args:
        maps: B x C x H x W.
        widest: number of channels, of ``maps`` or of the outputs, whose tiles fit the cache.
    """
    _, channels, height, width = maps.shape
    columns = width // 2
    rows = max(CACHE // (16 * widest * columns * maps.element_size()), 1)
    padded = maps.new_zeros(channels, 2, height + 2, columns + 1)  # odd columns, even ones
    halves = maps.new_empty(4 * channels * 2 * rows * (columns + 1))
    tiles = maps.new_empty(16 * channels * rows * columns)
    for image, whole in enumerate(maps):
        padded[:, 0, 1:-1, 1:], padded[:, 1, 1:-1, :-1] = whole[..., 1::2], whole[..., ::2]
        for first in range(0, height, 2 * rows):
            last = min(first + 2 * rows, height)
            half = _part(halves, 4, channels, 2, (last - first) // 2, columns + 1)
            tile = _part(tiles, 4, 4, channels, (last - first) // 2, columns)
            _inputs([padded[:, :, first + i:last + i:2] for i in range(4)], half)
            left, right = half[..., :-1], half[..., 1:]
            _inputs([left[:, :, 0], left[:, :, 1], right[:, :, 0], right[:, :, 1]],
                    tile.transpose(0, 1))
            yield tile.flatten(3).flatten(0, 1), (image, slice(None), slice(first, last))


def _part(memory: Tensor, *shape: int) -> Tensor:
    return memory[:prod(shape)].view(shape)


def _inputs(line: Sequence[Tensor], out: Tensor) -> None:
    """Transform four inputs along one axis: B^T of the paper."""
    torch.sub(line[0], line[2], out=out[0])
    torch.add(line[1], line[2], out=out[1])
    torch.sub(line[2], line[1], out=out[2])
    torch.sub(line[1], line[3], out=out[3])


def _outputs(line: Sequence[Tensor], out: Sequence[Tensor]) -> None:
    """Transform four products along one axis to two outputs: A^T."""
    torch.add(line[0] + line[1], line[2], out=out[0])
    torch.sub(line[1] - line[2], line[3], out=out[1])


def _spread(first: Tensor, second: Tensor) -> Tuple[Tensor, ...]:
    """Return the gradients of four products along one axis from those of two outputs: A."""
    return first, first + second, first - second, -second


def _pairs(maps: Tensor, axis: int) -> Tuple[Tensor, Tensor]:
    """Return views of the even and of the odd rows (axis 1) or columns (axis 2) of C x H x W."""
    return maps.unflatten(axis, (-1, 2)).unbind(axis + 1)
