"""The names of weights in the files of VFM-UDA++ (arXiv 2503.10685), written by Lightning."""
from typing import Dict, Mapping

from torch import Tensor

#: Start of a published name -> ours.
SEGMENTOR = {
    'network.encoder.level_embed': 'backbone.level_embed',
    **{f'network.encoder.{part}': f'backbone.{part}'
       for part in ('spm.', 'interactions.', 'up.', 'norm1.', 'norm2.', 'norm3.', 'norm4.')},
    'network.encoder.': 'backbone.vit.',  # what is left: blocks, positions, patches, class token
    'network.upscale.': 'decode_head.',
    'network.out.': 'decode_head.conv_seg.',
}
#: Parts of a training that are no part of the tested network: teacher, foundation model, scores.
BESIDE = ('network_ema.', 'network_feature_extractor.', 'network_feature_head.', 'metrics.')
#: The classifier of the adapter's pre-training on ImageNet.
CLASSIFIER = 'network.head.'


def is_vfmuda_layout(weights: Mapping[str, Tensor]) -> bool:
    """Return whether the names are those of VFM-UDA++'s published files."""
    return any(name.startswith('network.encoder.') for name in weights)


def segmentor_layout(weights: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """Return the weights of a published file under the names of our segmentor.

    Other parts of the training are left out. A name that belongs to no part stays, so that a strict
    loader refuses it.

    Args:
        weights: state dict of a training of VFM-UDA++, or of the pre-training of its adapter.
    """
    renamed = {}
    for name, value in weights.items():
        if name.startswith((*BESIDE, CLASSIFIER)):
            continue
        theirs = next((start for start in SEGMENTOR if name.startswith(start)), '')
        renamed[SEGMENTOR.get(theirs, '') + name[len(theirs):]] = value
    return renamed
