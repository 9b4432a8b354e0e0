"""Dilated depth-wise 3 x 3 convolutions on a CPU, from shifted views of padded maps.

DAFormer's decoder has three of them on a map of 1024 channels. They do little arithmetic, but
oneDNN reorders their maps, or writes each one nine times. Here a few channels at a time stay in
the processor's cache.
"""
from typing import Any, Iterator, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .on_cpu import eager_float32

TAPS = 9
#: Bytes of the channels that are worked on together.
CACHE = 4 << 20


class DilatedDepthwiseConv2d(nn.Conv2d):
    """A depth-wise 3 x 3 convolution of one stride, padded by its dilation.

    Without bias in float32 on a CPU, its outputs and gradients are those of a plain one to
    rounding, and it has no second derivatives. Elsewhere it is the plain one.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        if bias is None and input.is_contiguous() and eager_float32(input, weight):
            return _Convolution.apply(input, weight, self.dilation[0])
        return super()._conv_forward(input, weight, bias)


class _Convolution(torch.autograd.Function):

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, dilation: int) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.dilation = dilation
        output = torch.empty_like(input)
        planes = _Planes(input, dilation)
        for image, channels in planes.chunks():
            planes.load(input[image, channels])
            planes.convolve(weight[channels], output[image, channels])
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], Tensor, None]:
        input, weight = ctx.saved_tensors
        of_input, of_weight = torch.empty_like(input), torch.zeros_like(weight)
        maps, planes = _Planes(input, ctx.dilation), _Planes(input, ctx.dilation)
        for image, channels in planes.chunks():
            planes.load(gradient[image, channels])
            planes.convolve(weight[channels].flip(2, 3), of_input[image, channels])
            maps.load(input[image, channels])
            of_weight[channels] += maps.products(planes).view_as(weight[channels])
        return of_input, of_weight, None


class _Planes:
    """Channels of one image with zeros around each, flat in memory: c x S.

    The zeros at the end of a row are also those before the next one. So a shift by rows and
    columns is one of the flat memory, and a view of it.

    Args:
        like: maps B x C x H x W, of which it holds some channels at a time.
        dilation: pixels between two taps.
    """

    def __init__(self, like: Tensor, dilation: int):
        self.shape, self.dilation = like.shape, dilation
        height, width = like.shape[2:]
        self.row = width + dilation
        self.length = height * self.row
        size = self.length + 2 * dilation * (self.row + 1)
        self.count = max(min(CACHE // (size * like.element_size()), like.shape[1]), 1)
        self.flat = like.new_zeros(self.count, size)
        self.result = like.new_empty(self.count, self.length)

    def chunks(self) -> Iterator[Tuple[int, slice]]:
        """Iterate over images and over channels that fit."""
        for image in range(self.shape[0]):
            for first in range(0, self.shape[1], self.count):
                yield image, slice(first, min(first + self.count, self.shape[1]))

    def load(self, maps: Tensor) -> None:
        """Take c x H x W."""
        self.loaded = len(maps)
        self._maps(self.tap(TAPS // 2)).copy_(maps)

    def tap(self, index: int) -> Tensor:
        """Return the maps as the tap ``index`` of 9 sees them: c x H*row."""
        first = self.dilation * (index // 3 * self.row + index % 3)
        return self.flat[:self.loaded, first:first + self.length]

    def convolve(self, weight: Tensor, output: Tensor) -> None:
        """Write the convolution with ``weight``, c x 1 x 3 x 3, to ``output``, c x H x W."""
        weight, result = weight.flatten(1), self.result[:self.loaded]
        torch.mul(self.tap(0), weight[:, :1], out=result)
        for index in range(1, TAPS):
            result.addcmul_(self.tap(index), weight[:, index:index + 1])
        output.copy_(self._maps(result))

    def products(self, gradient: '_Planes') -> Tensor:
        """Return the sum of each tap times ``gradient``: c x 9."""
        centers, product = gradient.tap(TAPS // 2), self.result[:self.loaded]
        return torch.stack([torch.mul(self.tap(index), centers, out=product).sum(dim=1)
                            for index in range(TAPS)], dim=1)

    def _maps(self, flat: Tensor) -> Tensor:
        return flat.unflatten(1, (self.shape[2], self.row))[..., :self.shape[3]]
