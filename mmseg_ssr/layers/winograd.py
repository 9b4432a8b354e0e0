"""3 x 3 convolutions of many channels on a CPU, by Winograd's algorithm F(2 x 2, 3 x 3).

DAFormer's decoder has one from 1024 to 256 channels. A tile of 2 x 2 outputs takes 36
multiplications for each pair of channels. From sums and differences of its 4 x 4 inputs it takes 16
(Lavin and Gray, arXiv 1509.09308, Sec. 4.1), and these are matrix products.
"""
from typing import Any, Iterator, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from .on_cpu import eager_float32

#: Sums and differences of the three taps of a kernel, along one axis.
KERNEL = ((1., 0., 0.), (.5, .5, .5), (.5, -.5, .5), (0., 0., 1.))
#: Bytes of the transformed tiles that are worked on together.
CACHE = 32 << 20
#: What C * D / (C + D) has to be, so that fewer products save more than the sums cost.
WIDE = 128
#: Pixels of a map from which the transformed kernels are worth their time.
MANY = 64 * 64


class WinogradConv2d(nn.Conv2d):
    """A 3 x 3 convolution of one stride without bias, padded by one pixel.

    On large maps in float32 on a CPU its outputs and gradients are those of a plain one to
    rounding, and it has no second derivatives. Elsewhere it is the plain one.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map B x C x H x W to B x D x H x W."""
        height, width = input.shape[-2:]
        serves = height % 2 == width % 2 == 0 and height * width >= MANY and input.dim() == 4
        if serves and input.is_contiguous() and eager_float32(input, self.weight):
            return _Convolution.apply(input, self.weight)
        return super().forward(input)


def use_winograd(network: nn.Module) -> None:
    """Make the wide convolutions in a network that allow it a :class:`WinogradConv2d`.

    They stay the same objects, with their weights and hooks.
    """
    for module in network.modules():
        if type(module) is nn.Conv2d and _allows(module):
            module.__class__ = WinogradConv2d


def _allows(conv: nn.Conv2d) -> bool:
    inputs, outputs = conv.in_channels, conv.out_channels
    return (conv.kernel_size == (3, 3) and conv.padding == conv.stride == conv.dilation == (1, 1)
            and conv.groups == 1 and conv.bias is None and conv.padding_mode == 'zeros'
            and inputs * outputs >= WIDE * (inputs + outputs))


class _Convolution(torch.autograd.Function):

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(input, weight)
        return _convolve(input, weight)

    @staticmethod
    @once_differentiable
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
    for tiles, strip in _strips(maps):
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
    for tiles, strip in _strips(maps):
        rows = _spread(*_pairs(gradient[strip], 1))
        spread = torch.stack([each for row in rows for each in _spread(*_pairs(row, 2))])
        sums += spread.flatten(2) @ tiles.transpose(1, 2)
    factor = maps.new_tensor(KERNEL)
    return torch.einsum('ai,abdc,bj->dcij', factor, sums.unflatten(0, (4, 4)), factor)


def _strips(maps: Tensor) -> Iterator[Tuple[Tensor, Tuple[int, slice, slice]]]:
    """Iterate over the transformed tiles of a strip, 16 x C x T, and where its outputs are."""
    _, channels, height, width = maps.shape
    rows, columns = height // 2, width // 2
    fit = CACHE // (16 * channels * columns * maps.element_size())
    count = max(n for n in range(1, rows + 1) if rows % n == 0 and n <= max(fit, 1))
    window = maps.new_empty(channels, 2, 2 * count + 2, columns + 1)
    halves = maps.new_empty(4, channels, 2, count, columns + 1)
    tiles = maps.new_empty(4, 4, channels, count, columns)
    for image, whole in enumerate(maps):
        # Even and odd columns apart, so that neighboring tiles are neighbors in memory.
        padded = F.pad(whole, (1, 1, 1, 1)).unflatten(2, (columns + 1, 2)).movedim(3, 1)
        for first in range(0, height, 2 * count):
            window.copy_(padded[:, :, first:first + 2 * count + 2])
            _inputs([window[:, :, i:i + 2 * count:2] for i in range(4)], halves)
            left, right = halves[..., :-1], halves[..., 1:]
            _inputs([left[:, :, 0], left[:, :, 1], right[:, :, 0], right[:, :, 1]],
                    tiles.transpose(0, 1))
            yield (tiles.flatten(3).flatten(0, 1),
                   (image, slice(None), slice(first, first + 2 * count)))


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


def _pairs(maps: Tensor, axis: int) -> Tuple[Tensor, Tensor]:
    """Return the first and the second ones of the tiles along an axis."""
    return maps.unflatten(axis, (-1, 2)).unbind(axis + 1)


def _spread(first: Tensor, second: Tensor) -> Tuple[Tensor, ...]:
    """Return what the gradients of two outputs are to their four products: A."""
    return first, first + second, first - second, -second
