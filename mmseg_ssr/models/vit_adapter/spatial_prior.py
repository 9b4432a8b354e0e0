"""The convolutional stem of a ViT-Adapter (arXiv 2205.08534, Sec. 3.3)."""
from typing import Callable, List, Tuple

from torch import Tensor, nn

Norm = Callable[[int], nn.Module]


class SpatialPrior(nn.Module):
    """Maps of an image at 1/4, 1/8, 1/16 and 1/32, from plain convolutions.

    Args:
        inner: width of the stem.
        width: C, width of the maps.
        norm: makes a batch norm for a number of channels.
    """

    def __init__(self, inner: int, width: int, norm: Norm):
        super().__init__()
        self.stem = nn.Sequential(
            *convolution(3, inner, 2, norm), *convolution(inner, inner, 1, norm),
            *convolution(inner, inner, 1, norm), nn.MaxPool2d(3, stride=2, padding=1))
        self.conv2 = nn.Sequential(*convolution(inner, 2 * inner, 2, norm))
        self.conv3 = nn.Sequential(*convolution(2 * inner, 4 * inner, 2, norm))
        self.conv4 = nn.Sequential(*convolution(4 * inner, 4 * inner, 2, norm))
        for i, channels in enumerate((inner, 2 * inner, 4 * inner, 4 * inner), start=1):
            setattr(self, f'fc{i}', nn.Conv2d(channels, width, 1))

    def forward(self, img: Tensor) -> Tuple[Tensor, ...]:
        """Map images B x 3 x H x W to four maps B x C x H/s x W/s, s = 4, 8, 16, 32."""
        first = self.stem(img)
        second = self.conv2(first)
        third = self.conv3(second)
        fourth = self.conv4(third)
        return self.fc1(first), self.fc2(second), self.fc3(third), self.fc4(fourth)


def convolution(inputs: int, outputs: int, stride: int, norm: Norm) -> List[nn.Module]:
    """Return a 3 x 3 convolution without bias, its norm and a ReLU."""
    return [nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), norm(outputs),
            nn.ReLU(inplace=True)]
