"""Region sources by the names that configs use."""
from typing import Any, Callable, Dict, List, Mapping, Sequence, Type

import torch
from torch import Tensor, nn

from ..regularizer.frozen import FrozenNetwork
from ..regularizer.registry import FrozenRegistry
from ..regularizer.timm_encoder import MEAN, STD
from .regions import Regions


class RegionSource(FrozenNetwork):
    """Finds the regions of images. It is never trained, saved or copied.

    A copy of a segmentor, such as a teacher, shares the source.

    Args:
        network: the frozen network, see :class:`~mmseg_ssr.regularizer.frozen.FrozenNetwork`.
        mean, std: numbers that normalized the incoming images, RGB in 0..255.
    """

    def __init__(self, network: nn.Module, mean: Sequence[float] = MEAN,
                 std: Sequence[float] = STD):
        super().__init__(network)
        for name, values in (('mean', mean), ('std', std)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)

    def __deepcopy__(self, memo: Dict[int, Any]) -> 'RegionSource':
        return self

    @torch.no_grad()
    def forward(self, img: Tensor) -> List[Regions]:
        """Return the regions of each of the normalized images B x 3 x H x W, in float32."""
        with torch.autocast(img.device.type, enabled=False):
            return [self.regions_of(one * self.std + self.mean) for one in img.float()]

    def regions_of(self, img: Tensor) -> Regions:
        """Return the regions of one image, 3 x H x W, RGB in 0..255."""
        raise NotImplementedError


REGION_SOURCES = FrozenRegistry(RegionSource, 'region source', 'regions')


def register_region_source(name: str) -> Callable[[Type[RegionSource]], Type[RegionSource]]:
    """Class decorator: ``regions=dict(type=name, ...)`` in a config builds the class.

    Raises:
        TypeError, ValueError: see :meth:`.FrozenRegistry.register`.
    """
    return REGION_SOURCES.register(name)


def build_region_source(config: Mapping[str, Any]) -> RegionSource:
    """Build the region source of ``dict(type=..., ...)``.

    Raises:
        ConfigError, MissingFile, CheckpointError: see :meth:`.FrozenRegistry.build`.
    """
    return REGION_SOURCES.build(config)


@register_region_source('none')
class NoRegions(RegionSource):
    """Finds nothing, so that all queries come from random masks: the control of experiments."""

    def __init__(self) -> None:
        super().__init__(nn.Identity())

    def regions_of(self, img: Tensor) -> Regions:
        """Return no region."""
        return Regions.of(img.new_zeros((0, *img.shape[1:]), dtype=torch.bool), img.new_zeros(0))
