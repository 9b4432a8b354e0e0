"""The cases of a folder of SARFormer's parity data, and how their inputs and weights are made."""
import os
import zlib
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

import numpy as np
import torch
from parity.cases import Case, find_cases
from parity.fill import fill, sample_index
from torch import Tensor, nn

ROOT = Path(__file__).parents[2]
#: In this order: what the environment says, the folder beside the project, the repository's copy.
BESIDE = ROOT.parent / 'shared' / 'parity_sarformer'
OWN_DATA = ROOT / 'tests' / 'data' / 'parity_sarformer'
#: Modules of the published head that do nothing.
UNUSED = 'enc_output'


def data_folder() -> Path:
    """``PARITY_SARFORMER``, or the folder beside the project, or the repository's own copy."""
    given = os.environ.get('PARITY_SARFORMER')
    return Path(given) if given else BESIDE if BESIDE.is_dir() else OWN_DATA


def cases_of(beginning: str) -> List[Case]:
    """The cases of a kind. An unknown kind fails in ``test_every_case_has_a_test``."""
    return [case for case in find_cases(data_folder()) if case.name.startswith(beginning)]


def input_array(seed: int, name: str, shape: Sequence[int]) -> Tensor:
    """An input by the README's rule."""
    random = np.random.default_rng(zlib.crc32(f'{seed}:{name}'.encode()))
    return torch.from_numpy(random.standard_normal(tuple(shape)).astype(np.float32))


def fill_named(module: nn.Module, seed: int, prefix: str) -> None:
    """Fill parameters and buffers by their published names. Integer buffers keep their values."""
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.from_numpy(fill(seed, prefix + name, value.shape)))


def bits(case: Case, name: str, width: int) -> Tensor:
    """Masks that are stored as bits, n x H x W bool."""
    return torch.from_numpy(np.unpackbits(case.arrays[name], axis=-1, count=width)).bool()


def used(names: Sequence[str]) -> List[str]:
    """Names without those of modules that do nothing."""
    return [name for name in names if UNUSED not in name]


def sampled(tensor: Tensor, count: int) -> np.ndarray:
    """At most ``count`` entries of a tensor."""
    flat = tensor.detach().double().numpy().reshape(-1)
    return flat[sample_index(flat.size, count)]


def difference(own: Any, expected: Any) -> float:
    """Largest difference / largest expected entry. NaN must stand where NaN is expected."""
    own = own.detach().double().numpy() if isinstance(own, Tensor) else np.asarray(own, np.float64)
    expected = np.asarray(expected, np.float64)
    assert own.shape == expected.shape
    assert np.array_equal(np.isnan(own), np.isnan(expected))
    known = ~np.isnan(expected)
    if not known.any():
        return 0.
    return abs(own - expected)[known].max() / (abs(expected[known]).max() or 1.)


def norms(gradients: Mapping[str, Any], names: Sequence[str]) -> np.ndarray:
    """L2 of the gradients of parameters, NaN where there is none."""
    return np.array([np.nan if gradients[name] is None else float(gradients[name].double().norm())
                     for name in names])


def head_config(published: Dict[str, Any], kind: str) -> Dict[str, Any]:
    """The config of our head from that of the published one, which is mmdet's."""
    encoder = published['pixel_decoder']['encoder']
    decoder = published['transformer_decoder']
    costs = published['train_cfg']['assigner']['match_costs']
    config = dict(
        in_channels=published['in_channels'], num_classes=published['num_classes'],
        feat_channels=published['feat_channels'], num_queries=published['num_queries'],
        pixel_decoder=dict(
            num_layers=encoder['num_layers'],
            num_heads=encoder['layer_cfg']['self_attn_cfg']['num_heads'],
            num_points=encoder['layer_cfg']['self_attn_cfg']['num_points'],
            feedforward_channels=encoder['layer_cfg']['ffn_cfg']['feedforward_channels'],
            num_groups=published['pixel_decoder']['norm_cfg']['num_groups']),
        transformer_decoder=dict(
            num_layers=decoder['num_layers'],
            num_heads=decoder['layer_cfg']['cross_attn_cfg']['num_heads'],
            feedforward_channels=decoder['layer_cfg']['ffn_cfg']['feedforward_channels']),
        losses=dict(
            class_weight=published['loss_cls']['loss_weight'],
            mask_weight=published['loss_mask']['loss_weight'],
            dice_weight=published['loss_dice']['loss_weight'],
            no_object_weight=published['loss_cls']['class_weight'][-1],
            num_points=published['train_cfg']['num_points'],
            oversample_ratio=published['train_cfg']['oversample_ratio'],
            importance_sample_ratio=published['train_cfg']['importance_sample_ratio']))
    assert [cost['weight'] for cost in costs] == [
        config['losses'][name] for name in ('class_weight', 'mask_weight', 'dice_weight')]
    return {**config, **HEADS[kind]}


#: The published classes as options of ours.
HEADS = {
    'Mask2FormerHead': dict(type='Mask2FormerHead'),
    'SARFormer_Adapter': dict(type='SARFormerHead', pool_from='context',
                              first_attention='outside'),
    'SARFormerHead': dict(type='SARFormerHead', pool_from='mask_features',
                          first_attention='predicted'),
}

#: Keys of the published backbone without an effect, or with one value that ours always has.
FIXED = {'in_channels': 3, 'out_indices': [0, 1, 2, 3], 'attn_drop_rate': 0.,
         'act_cfg': {'type': 'GELU'}, 'norm_eval': False, 'frozen_stages': 1}


def backbone_config(published: Dict[str, Any]) -> Dict[str, Any]:
    """The config of our backbone from that of the published one."""
    assert {key: published[key] for key in FIXED if key in published}.items() <= FIXED.items()
    kept = {key: value for key, value in published.items() if key not in FIXED}
    return dict(type='BEiTAdapter', batch_norm_cfg=dict(type='BN'), **kept)
