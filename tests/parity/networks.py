"""Cases 01 to 03: networks on their own."""
from typing import Dict, List, Mapping

import torch
from torch import Tensor, nn

from mmseg_ssr.host import BACKBONES, HEADS
from mmseg_ssr.regularizer import FeatureRegularizer, FrozenSAMEncoder
from mmseg_ssr.uda.student import weighted_losses

from . import tolerances
from .cases import Case
from .differences import Differences, absolute_difference, sampled_l2_difference
from .fill import fill_module, filled, shapes_of
from .published_names import loss_value, regularizer_name


def check_backbone(case: Case, differences: Differences) -> None:
    """Outputs, whole or summarized, and gradients where the case has probes to start them from."""
    prefix = case.facts['fill_prefix']
    backbone = BACKBONES.build(dict(type=case.config['type'],
                                    drop_path_rate=case.facts.get('drop_path', 0)))
    fill_module(backbone, case.seed, prefix)
    backbone.train()
    probes = case.tensors('probe')
    img = case.tensor('input').requires_grad_(bool(probes))
    with torch.set_grad_enabled(bool(probes)):
        outputs = backbone(img)
    for i, output in enumerate(outputs):
        differences.array(f'out{i}', output, tolerances.NETWORK)
    parameters = {prefix + name: p for name, p in backbone.named_parameters()}
    if 'param_names' in case.facts:
        differences.exact('param_names', sorted(parameters), sorted(case.facts['param_names']))
    if probes:
        differences.scalar('scalar', backward_probes(outputs, probes), tolerances.SCALAR,
                           relative=False)
        check_gradients(case, differences, img, parameters)


def check_gradients(case: Case, differences: Differences, img: Tensor,
                    parameters: Mapping[str, Tensor]) -> None:
    """The gradients of the image and of parameters, by their published names."""
    differences.array('grad_input', img.grad, tolerances.NETWORK)
    for name, parameter in parameters.items():
        if f'grad.{name}' in case:
            differences.array(f'grad.{name}', parameter.grad, tolerances.NETWORK)
    for name, row in zip(case.facts['param_names'], case.arrays['all_grad_stats']):
        differences.statistics(f'all_grad_stats {name}', parameters[name].grad, row,
                               tolerances.NETWORK)


def check_head(case: Case, differences: Differences) -> None:
    prefix = case.facts['fill_prefix']
    head = HEADS.build(dict(case.config))
    fill_module(head, case.seed, prefix)
    features = [feature.requires_grad_() for feature in case.tensors('feat')]
    label, weight = case.tensor('label'), case.tensor('seg_weight')

    head.eval()
    with torch.no_grad():
        differences.array('logits_eval', head(features), tolerances.HEAD)
    head.train()
    logits = head(features)
    differences.array('logits_train', logits, tolerances.HEAD)
    plain = weighted_losses(head, logits, label)
    weighted = weighted_losses(head, logits, label, weight)
    loss_value(weighted).backward()
    differences.scalar('loss_plain', loss_value(plain), tolerances.HEAD)
    differences.scalar('loss_weighted', loss_value(weighted), tolerances.HEAD)
    differences.scalar('acc', weighted['acc_seg'], tolerances.HEAD)

    gradients = {f'grad_feat{i}': feature.grad for i, feature in enumerate(features)}
    for name, gradient in gradients.items():
        differences.array(name, gradient, tolerances.HEAD_GRADIENT)
    rows(case, differences, 'grad', case.facts['param_names'],
         {prefix + name: p.grad for name, p in head.named_parameters()}, tolerances.HEAD_GRADIENT)
    rows(case, differences, 'buffer', case.facts['buffer_names'],
         {prefix + name: b for name, b in head.named_buffers()}, tolerances.HEAD)


def rows(case: Case, differences: Differences, stem: str, names: List[str],
         tensors: Mapping[str, Tensor], tolerance: float) -> None:
    """``stem_stats`` and ``stem_samples``, a row for each of ``names``."""
    for name, statistics, samples in zip(names, case.arrays[f'{stem}_stats'],
                                         case.arrays[f'{stem}_samples']):
        differences.statistics(f'{stem}_stats {name}', tensors[name], statistics, tolerance)
        differences.samples(f'{stem}_samples {name}', tensors[name], samples, tolerance)
        if stem == 'grad':
            differences.add(f'{stem}_samples {name} (relative L2)',
                            sampled_l2_difference(tensors[name], samples),
                            tolerances.HEAD_GRADIENT_L2)


def check_sam_encoder(case: Case, differences: Differences) -> None:
    arguments = dict(case.config)
    encoder = FrozenSAMEncoder(checkpoint=None, input_size=arguments.pop('img_size'),
                               encoder_args=arguments)
    fill_module(encoder.network, case.seed, case.facts['fill_prefix'])
    seen: List[Tensor] = []
    encoder.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    features = encoder(case.tensor('input'))
    differences.array('resized', seen[0], tolerances.NETWORK)
    differences.array('features', features, tolerances.NETWORK)


class GivenMap(nn.Module):
    """Stands for an encoder whose map is given."""

    def __init__(self, out_channels: int):
        super().__init__()
        self.out_channels = out_channels


def check_ssr_branch(case: Case, differences: Differences) -> None:
    for stages in case.facts['stage_sets']:
        check_stage_set(case, differences, stages)


def check_stage_set(case: Case, differences: Differences, stages: List[int]) -> None:
    prefix = 's' + ''.join(str(stage) for stage in stages)
    context, features = case.tensor('sam'), case.tensors('feat')
    for feature in features:
        feature.requires_grad_()
    regularizer = FeatureRegularizer(GivenMap(context.shape[1]), case.facts['dims'],
                                     case.facts['num_heads'], stages)
    state = regularizer.state_dict()
    names = {name: regularizer_name(name) for name in state}
    regularizer.load_state_dict(filled(case.seed, names, shapes_of(state)))
    enhanced = regularizer(features, context)
    scalar = backward_probes(enhanced, case.tensors('probe'))

    for i, feature in enumerate(features):
        if i not in stages:
            differences.add(f'{prefix}.stage {i} passes unchanged',
                            absolute_difference(enhanced[i], feature), tolerances.EXACT, False)
            continue
        differences.array(f'{prefix}.enhanced{i}', enhanced[i], tolerances.NETWORK)
        differences.array(f'{prefix}.grad_feat{i}', feature.grad, tolerances.NETWORK)
    differences.scalar(f'{prefix}.scalar', scalar, tolerances.SCALAR, relative=False)
    gradients: Dict[str, Tensor] = {
        names[name]: p.grad for name, p in regularizer.named_parameters()}
    expected = {name.split('.', 2)[2] for name in case.arrays if name.startswith(f'{prefix}.gstat')}
    differences.exact(f'{prefix}: parameters', sorted(gradients), sorted(expected))
    for name, gradient in gradients.items():
        differences.statistics(f'{prefix}.gstat.{name}', gradient,
                               case.arrays[f'{prefix}.gstat.{name}'], tolerances.NETWORK)
        differences.samples(f'{prefix}.gsamp.{name}', gradient,
                            case.arrays[f'{prefix}.gsamp.{name}'], tolerances.NETWORK)


def backward_probes(outputs: List[Tensor], probes: List[Tensor]) -> Tensor:
    """The sum of outputs times fixed tensors, after its backward pass."""
    scalar = sum((output * probe).sum() for output, probe in zip(outputs, probes))
    scalar.backward()
    return scalar.detach()
