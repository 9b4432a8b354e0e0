"""Cases 04: the parts of self-training on their own."""
import re
from typing import Any, Dict, List, Sequence

import torch
from torch import Tensor, nn

from mmseg_ssr.labels.rare_class_sampling import class_probabilities
from mmseg_ssr.uda.draws import Jitter
from mmseg_ssr.uda.losses.feature_distance import FeatureDistance, downscale_label
from mmseg_ssr.uda.update.teacher import EMATeacher
from mmseg_ssr.uda.views.class_mix import class_mix_masks, mix
from mmseg_ssr.uda.views.masked_consistency import BlockMask
from mmseg_ssr.uda.views.pseudo_label import pseudo_label
from mmseg_ssr.uda.views.strong_augmentation import (
    CHANGES,
    StrongAugmentation,
    blur_kernel_size,
)

from . import tolerances
from .cases import Case
from .differences import Differences
from .recorded_draws import RecordedDraws


def check_block_mask(case: Case, differences: Differences) -> None:
    for name, variant in case.facts['variants'].items():
        corner = case.tensor(f'{name}.img')
        height, width = corner.shape[2:]
        img = torch.zeros(*corner.shape[:2], *variant['size'])
        img[:, :, :height, :width] = corner
        block_mask = BlockMask(variant['ratio'], variant['block'])
        draws = RecordedDraws([dict(grid=[case.tensor(f'{name}.grid')] * 2)])
        mask = block_mask.mask(img, draws)
        masked = block_mask(img, draws)
        differences.exact(f'{name}.mask', mask, case.arrays[f'{name}.mask'])
        differences.array(f'{name}.masked', masked[:, :, :height, :width], tolerances.PART)


def check_class_mix(case: Case, differences: Differences) -> None:
    label = case.tensor('src_label')
    pseudo, weight = (case.tensor(name).unsqueeze(1) for name in ('pseudo_label', 'pseudo_weight'))
    masks = class_mix_masks(label, RecordedDraws([dict(classes=case.facts['chosen_classes'])]))
    differences.exact('mask', masks.squeeze(1), case.arrays['mask'])
    differences.array('mixed_img', mix(masks, case.tensor('src_img'), case.tensor('trg_img')),
                      tolerances.PART)
    differences.exact('mixed_label', mix(masks, label, pseudo), case.arrays['mixed_label'])
    differences.array('mixed_weight', mix(masks, torch.ones_like(weight), weight),
                      tolerances.PART)


def check_ema(case: Case, differences: Differences) -> None:
    names = case.facts['names']
    student, before = (
        {name: case.tensor(f'{role}.{name}') for name in names} for role in ('student', 'teacher'))
    network = module_of(student)
    for iteration in case.facts['iterations']:
        teacher = EMATeacher(network, case.facts['alpha'])
        teacher.load_training_state(dict(updates=iteration, network=before))
        teacher.update(network)
        for name, parameter in teacher.network.named_parameters():
            differences.array(f'it{iteration}.{name}', parameter, tolerances.PART)


def module_of(parameters: Dict[str, Tensor]) -> nn.Module:
    """A module whose parameters have the given dotted names."""
    root = nn.Module()
    for name, value in parameters.items():
        *path, last = name.split('.')
        module = root
        for part in path:
            if not hasattr(module, part):
                module.add_module(part, nn.Module())
            module = getattr(module, part)
        module.register_parameter(last, nn.Parameter(value))
    return root


class GivenFeature(nn.Module):
    """Stands for a network whose deepest feature is given."""

    def __init__(self, feature: Tensor):
        super().__init__()
        self.feature = feature

    def forward(self, img: Tensor) -> List[Tensor]:
        return [self.feature]


def check_feature_distance(case: Case, differences: Differences) -> None:
    facts, label = case.facts, case.tensor('label')
    for name in case.arrays:
        if name.startswith('downscaled'):
            factor, ratio = re.search(r'by (\d+), min ratio ([\d.]+\d)',
                                      case.description(name)).groups()
            own = downscale_label(label, int(factor), float(ratio), facts['num_classes'])
            differences.exact(name, own, case.arrays[name])

    network = GivenFeature(case.tensor('feat_imnet'))
    things = FeatureDistance(network, facts['lambda_'], facts['num_classes'], facts['classes'],
                             facts['min_ratio'])
    everywhere = FeatureDistance(network, facts['lambda_'], facts['num_classes'])
    mask = things.thing_mask(label, network.feature.shape[2:])
    differences.exact('mask', mask.unsqueeze(1), case.arrays['mask'])

    def loss_and_gradient(distance: FeatureDistance, label: Tensor):
        feature = case.tensor('feat').requires_grad_()
        loss, _ = distance(feature, feature, label)
        loss.backward()
        return loss.item(), feature.grad

    loss, gradient = loss_and_gradient(things, label)
    differences.scalar('loss', loss, tolerances.PART)
    differences.array('grad_feat', gradient, tolerances.PART)
    # No position is a thing: NaN in the published code, 0 here, the same gradients.
    loss, gradient = loss_and_gradient(things, torch.full_like(label, things.ignore_index))
    differences.exact('loss_empty', loss, 0.)
    differences.exact('grad_feat_empty', gradient, case.arrays['grad_feat_empty'])
    loss, _ = loss_and_gradient(everywhere, label)
    differences.scalar('loss_allclasses', loss, tolerances.PART)


def check_pseudo_label(case: Case, differences: Differences) -> None:
    logits = case.tensor('logits')
    for name, variant in case.facts['variants'].items():
        valid = case.tensor(f'valid_{name}') if variant['valid_mask'] else None
        label, weight, _ = pseudo_label(logits, variant['threshold'], variant['ignore_top'],
                                        variant['ignore_bottom'], valid)
        differences.exact(f'label, variant {name}', label.squeeze(1), case.arrays['label'])
        differences.array(f'weight_{name}', weight, tolerances.PART)


def check_rare_class_sampling(case: Case, differences: Differences) -> None:
    pixels: Dict[int, int] = {}
    for image in case.facts['sample_class_stats']:
        for key, count in image.items():
            if key != 'file':
                pixels[int(key)] = pixels.get(int(key), 0) + count
    for temperature in case.facts['temperatures']:
        classes, probabilities = class_probabilities(pixels, temperature)
        differences.exact(f'classes_T{temperature}', classes,
                          case.arrays[f'classes_T{temperature}'])
        differences.array(f'prob_T{temperature}', torch.from_numpy(probabilities),
                          tolerances.PROBABILITY)


def check_strong_augmentation(case: Case, differences: Differences) -> None:
    mean, std = (torch.tensor(case.facts[name]).view(1, 3, 1, 1) for name in ('mean', 'std'))
    for name, variant in case.facts['variants'].items():
        img = case.tensor(f'{name}.input')
        draws = RecordedDraws([recorded_augmentation(variant, case.facts['order_code'])])
        output = StrongAugmentation()(img, mean, std, draws)
        differences.array(f'{name}.output', output, tolerances.AUGMENTATION)
        differences.exact(f'{name}: draws left', len(draws.unused()), 0)
        if 'kernel' in variant:
            kernel = [blur_kernel_size(length) for length in img.shape[2:]]
            differences.exact(f'{name}.kernel', kernel, variant['kernel'])


def recorded_augmentation(variant: Dict[str, Any], names: Sequence[str]) -> Dict[str, list]:
    """One augmentation's decisions; what was not applied must not be drawn."""
    decisions: Dict[str, list] = dict(
        uniform=[variant['color_jitter_draw'], variant['blur_draw']])
    if variant['jitter_applied']:
        order = [CHANGES.index(names[i]) for i in variant['order']]
        decisions['jitter'] = [Jitter(**{n: variant[n] for n in names}, order=tuple(order))]
    if variant['blur_applied']:
        decisions['blur_sigma'] = [variant['sigma']]
    return decisions
