"""The names of MobileNetV2's weights in the files of torchvision and OpenMMLab."""
import re
from typing import Dict, Mapping

from torch import Tensor

#: Blocks in each layer of mmseg's MobileNetV2, which torchvision counts through from 1.
BLOCKS = (1, 2, 3, 4, 3, 3, 1)
PARTS = ('conv', 'bn')
#: torchvision's stem, block, and block's last convolution without and with a convolution before.
STEM = re.compile(r'features\.0\.([01])\.(\w+)')
INNER = re.compile(r'features\.(\d+)\.conv\.(\d)\.([01])\.(\w+)')
LAST = re.compile(r'features\.(\d+)\.conv\.(\d)\.(\w+)')


def mmseg_layout(weights: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """Return the weights of a MobileNetV2 as mmseg names them.

    Args:
        weights: state dict of torchvision (``features.2.conv.0.0.weight``) or OpenMMLab
            (``layer2.0.conv.0.conv.weight``), with or without classifier. Names that belong to
            neither stay, a prefix ``backbone.`` goes.
    """
    return {_renamed(name.removeprefix('backbone.')): value for name, value in weights.items()
            if isinstance(value, Tensor)}


def _renamed(name: str) -> str:
    if match := STEM.fullmatch(name):
        part, value = match.groups()
        return f'conv1.{PARTS[int(part)]}.{value}'
    if (match := INNER.fullmatch(name)) and int(match[1]) <= sum(BLOCKS):
        block, position, part, value = match.groups()
        return f'{_place(int(block))}.conv.{position}.{PARTS[int(part)]}.{value}'
    if (match := LAST.fullmatch(name)) and int(match[1]) <= sum(BLOCKS):
        block, position, value = int(match[1]), int(match[2]), match[3]
        last = 1 if block == 1 else 2  # the first block does not expand
        return f'{_place(block)}.conv.{last}.{PARTS[position - last]}.{value}'
    return name


def _place(block: int) -> str:
    """mmseg's layer, from 1, and the block in it, from 0."""
    layer = 0
    block -= 1
    while block >= BLOCKS[layer]:
        block -= BLOCKS[layer]
        layer += 1
    return f'layer{layer + 1}.{block}'
