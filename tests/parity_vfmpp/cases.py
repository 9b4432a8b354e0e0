"""The cases of a folder of VFM-UDA++'s parity data, and how their weights are made."""
import os
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Sequence

import numpy as np
import torch
from mmseg.models.builder import BACKBONES, HEADS
from parity.cases import Case, find_cases
from parity.fill import fill
from torch import Tensor, nn

from mmseg_ssr.weights.lightning_layouts import segmentor_layout

ROOT = Path(__file__).parents[2]
#: In this order: what the environment says, the folder beside the project, the repository's copy.
BESIDE = ROOT.parent / 'shared' / 'parity_vfmpp'
OWN_DATA = ROOT / 'tests' / 'data' / 'parity_vfmpp'
ENCODER, DECODER = ('network.encoder.', ), ('network.upscale.', 'network.out.')


def data_folder() -> Path:
    """``PARITY_VFMPP``, or the folder beside the project, or the repository's own copy."""
    given = os.environ.get('PARITY_VFMPP')
    return Path(given) if given else BESIDE if BESIDE.is_dir() else OWN_DATA


def cases_of(beginning: str) -> List[Case]:
    """The cases of a kind. An unknown kind fails in ``test_every_case_has_a_test``."""
    return [case for case in find_cases(data_folder()) if case.name.startswith(beginning)]


def filled(case: Case, prefix: Sequence[str] = ('', )) -> Dict[str, Tensor]:
    """The weights of a case by their published names, those with some prefix."""
    return {name: torch.from_numpy(fill(case.seed, name, tuple(shape)))
            for name, shape in case.facts['names'].items() if name.startswith(tuple(prefix))}


def loaded(module: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """The module with weights under published names, behind the first part of our names."""
    state = {name.partition('.')[2]: value for name, value in segmentor_layout(weights).items()}
    module.load_state_dict(state)
    return module


def published(name: str) -> str:
    """The published name of a parameter of ours, such as ``backbone.vit.cls_token``."""
    for ours, theirs in (('backbone.vit.', 'network.encoder.'), ('backbone.', 'network.encoder.'),
                         ('decode_head.conv_seg.', 'network.out.'),
                         ('decode_head.', 'network.upscale.')):
        if name.startswith(ours):
            return theirs + name[len(ours):]
    raise LookupError(name)


def adapter(facts: Mapping[str, Any], **options: Any) -> nn.Module:
    """Our backbone for a case with a small network, with its own default of batch norms."""
    return BACKBONES.build(dict(dict(
        type='DINOv2Adapter', model='vit_small_patch14_dinov2', input_size=facts['image'],
        patch_size=facts['patch'], interaction_indexes=facts['interaction_indexes'],
        conv_inplane=facts['spm_inplanes'], n_points=facts['n_points'],
        cffn_ratio=facts['cffn_ratio'], deform_ratio=facts['deform_ratio'],
        model_args=dict(embed_dim=facts['embed_dim'], depth=facts['depth'],
                        num_heads=facts['vit_heads'])), **options))


def decoder(channels: int, num_classes: int) -> nn.Module:
    return HEADS.build(dict(type='PyramidUpscaleHead', in_channels=[channels] * 4,
                            num_classes=num_classes))


def difference(own: Any, expected: Any) -> float:
    """Largest difference / largest expected entry. NaN must stand where NaN is expected."""
    own = own.detach().double().numpy() if isinstance(own, Tensor) else np.asarray(own, np.float64)
    expected = np.asarray(expected, np.float64)
    assert own.shape == expected.shape, (own.shape, expected.shape)
    assert np.array_equal(np.isnan(own), np.isnan(expected))
    known = ~np.isnan(expected)
    return abs(own - expected)[known].max() / (abs(expected[known]).max() or 1.)


def norms(parameters: Mapping[str, Tensor], names: Iterable[str]) -> np.ndarray:
    """L2 of the gradients of parameters."""
    return np.array([float(parameters[name].grad.double().norm()) for name in names])
