"""A frozen encoder of one's own: a ResNet of torchvision regularizes instead of SAM."""
from typing import Optional

import torchvision
from torch import nn

from mmseg_ssr.regularizer import FrozenNetwork, register_encoder
from mmseg_ssr.weights import read_weights


@register_encoder('resnet')
class FrozenResNet(FrozenNetwork):
    """Images B x 3 x H x W -> the third stage's map, B x ``out_channels`` x H/16 x W/16.

    torchvision's weights want ImageNet's normalization, which images have in mmseg's configs.

    Args:
        depth: 18, 34, 50, 101 or 152.
        checkpoint: file of weights for torchvision's network; None for random ones.
    """

    def __init__(self, depth: int = 50, *, checkpoint: Optional[str]):
        resnet = getattr(torchvision.models, f'resnet{depth}')(weights=None)
        if checkpoint is not None:
            resnet.load_state_dict(read_weights(checkpoint))
        super().__init__(nn.Sequential(
            resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool,
            resnet.layer1, resnet.layer2, resnet.layer3))
        self.out_channels = resnet.layer4[0].conv1.in_channels
