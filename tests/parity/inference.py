"""Cases 06: inference of a plain segmentor."""
from copy import deepcopy

import torch
from torch import Tensor, nn

from mmseg_ssr.host import SEGMENTORS, ConfigDict

from . import door, tolerances
from .cases import Case
from .differences import Differences
from .fill import fill_module


def check_inference(case: Case, differences: Differences) -> None:
    segmentor = build_segmentor(case)
    fill_module(segmentor, case.seed, case.facts['fill_prefix'])
    compare_inference(case, differences, segmentor)


def build_segmentor(case: Case) -> nn.Module:
    """The case's segmentor as a test script builds it."""
    config = ConfigDict(deepcopy(case.config), train_cfg=None)
    return SEGMENTORS.build(config).eval()


def compare_inference(case: Case, differences: Differences, segmentor: nn.Module) -> None:
    """Logits, and what mmseg's test path makes of them, with the weights as they are."""
    img = input_of(case)
    with torch.no_grad():
        logits, prediction, rescaled = door.predictions(
            segmentor, img, case.arrays['pred_rescaled'].shape)
    differences.array('logits', logits, tolerances.NETWORK)
    for k, row in enumerate(case.arrays['logit_stats']):
        differences.statistics(f'logit_stats, class {k}', logits[:, k], row, tolerances.NETWORK)
    for name, own in (('pred', prediction), ('pred_rescaled', rescaled)):
        wrong = (own != case.arrays[name]).mean()
        differences.add(f'{name} (share of pixels)', wrong, tolerances.PREDICTION, relative=False)


def input_of(case: Case) -> Tensor:
    """The case's image, which may lie in another case's file."""
    if 'input' in case.arrays:
        return case.tensor('input')
    file, array = case.facts['input_in'].split(': ')
    return Case(case.path.with_name(file.removesuffix('.npz'))).tensor(array)

