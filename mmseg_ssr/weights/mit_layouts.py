"""The names of MiT's weights in the files of SegFormer, OpenMMLab and Hugging Face."""
import re
from typing import Dict, Mapping, NamedTuple

import torch
from torch import Tensor


class Layout(NamedTuple):
    """How a library names the weights of MiT.

    Attributes:
        places: pattern for the start of a name, with the stage from 0 -> SegFormer's start, which
            counts from 1.
        parts: part of a name behind that -> SegFormer's. They are replaced in this order.
    """

    places: Dict[str, str]
    parts: Dict[str, str]


MMSEG = Layout(
    {r'layers\.(\d)\.0\.': 'patch_embed{}.', r'layers\.(\d)\.1\.': 'block{}.',
     r'layers\.(\d)\.2\.': 'norm{}.'},
    {'projection.': 'proj.', 'attn.attn.in_proj_': 'attn.qkv.', 'attn.attn.out_proj.': 'attn.proj.',
     'ffn.layers.0.': 'mlp.fc1.', 'ffn.layers.1.': 'mlp.dwconv.dwconv.',
     'ffn.layers.4.': 'mlp.fc2.'})

TRANSFORMERS = Layout(
    {rf'(?:segformer\.)?encoder\.{theirs}\.(\d)\.': ours for theirs, ours in (
        ('patch_embeddings', 'patch_embed{}.'), ('block', 'block{}.'), ('layer_norm', 'norm{}.'))},
    {'attention.self.layer_norm.': 'attn.norm.', 'attention.self.sr.': 'attn.sr.',
     'attention.self.query.': 'attn.q.', 'attention.self.key.': 'attn.k.',
     'attention.self.value.': 'attn.v.', 'attention.output.dense.': 'attn.proj.',
     'layer_norm_1.': 'norm1.', 'layer_norm_2.': 'norm2.', 'layer_norm.': 'norm.',
     'mlp.dense1.': 'mlp.fc1.', 'mlp.dense2.': 'mlp.fc2.'})


def segformer_layout(weights: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """Return the weights of a MiT as SegFormer names and shapes them.

    The layout is recognized by the names. Names that belong to no layout stay, a prefix
    ``backbone.`` goes.

    Args:
        weights: state dict of SegFormer, of mmseg's ``MixVisionTransformer`` (queries, keys and
            values stacked, linear layers of the feed-forward network as 1 x 1 convolutions), or of
            transformers' SegFormer (three linear layers), with or without head.

    Raises:
        RuntimeError, IndexError: the shape of a weight fits no such network.
    """
    found = {name.removeprefix('backbone.'): value for name, value in weights.items()}
    for layout in (MMSEG, TRANSFORMERS):
        if any(re.match(place, name) for name in found for place in layout.places):
            return _reshaped({_renamed(name, layout): value for name, value in found.items()
                              if isinstance(value, Tensor)})
    return found


def _renamed(name: str, layout: Layout) -> str:
    for place, ours in layout.places.items():
        match = re.match(place, name)
        if match:
            rest = name[match.end():]
            for theirs, part in layout.parts.items():
                rest = rest.replace(theirs, part)
            return ours.format(int(match[1]) + 1) + rest
    return name


def _reshaped(weights: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """Make ``attn.q`` and ``attn.kv`` of all three, and linear layers of 1 x 1 convolutions."""
    reshaped = {}
    for name, value in weights.items():
        start, stacked, end = name.partition('.attn.qkv.')
        if stacked:
            reshaped.update(zip((f'{start}.attn.{one}.{end}' for one in 'qkv'),
                                torch.tensor_split(value, 3)))
        else:
            reshaped[name] = value.flatten(1) if re.search(r'mlp\.fc[12]\.weight$', name) else value
    for key in [name for name in reshaped if '.attn.k.' in name]:
        value = key.replace('.attn.k.', '.attn.v.')
        if value in reshaped:
            reshaped[key.replace('.attn.k.', '.attn.kv.')] = torch.cat(
                [reshaped.pop(key), reshaped.pop(value)])
    return reshaped
