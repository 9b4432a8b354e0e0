"""Every combination that makes sense trains two iterations on Streets in miniature.

Every architecture is trained with every method. Regularizer and mode of the step (mixed precision,
accumulation, ...) are not multiplied with these but spread over them, so that every two values of
the tables below meet in some training (pairwise covering: the full product would take half an
hour). Combinations without sense are refused with a line that says why. A new architecture,
method or mode is one entry of a table.
"""
from collections import Counter
from copy import deepcopy
from itertools import combinations, product
from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple

import pytest
import tiny_training
import torch
from mmcv import Config
from tiny_networks import ARCHITECTURES, RESNET, VIT_ADAPTER

from mmseg_ssr.engine.build import (
    build_test_model,
    build_training_dataset,
    build_training_model,
)
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.data_loader import training_loader
from mmseg_ssr.engine.training.optimizer import build_optimizer
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.regularizer.frozen import FrozenNetwork
from mmseg_ssr.uda import EMATeacher
from mmseg_ssr.uda.views.masked_consistency import MASK_MODES

SOURCE, MIXED, MASKED = '', 'mix.', 'masked.'
REGULARIZED = {SOURCE: 'enhanced.', MIXED: 'enhanced_mix.'}
COLORS = dict(brightness=0.5, contrast=0.5, saturation=0.5, hue=0.2, jitter_probability=0.8,
              gray_probability=0.2, blur_probability=0.5)
DISTANCE = 'src.loss_imnet_feat_dist'
ENCODER = tiny_training.tiny_regularizer()['encoder']


class Method(NamedTuple):
    """Keys of ``uda``, the views that are trained on, and what is logged besides their losses."""
    uda: Dict[str, Any]
    views: Tuple[str, ...] = (SOURCE, MIXED)
    terms: Tuple[str, ...] = ()
    teachers: int = 1


def distance(encoder=None) -> Method:
    return Method(dict(imnet_feature_dist_lambda=0.005, imnet_feature_dist_encoder=encoder),
                  terms=(DISTANCE, ))


def mic(mode: str, teachers: int = 1, **uda: Any) -> Method:
    # Small enough that no image is hidden whole: a norm of nothing but zeros has huge gradients.
    blocks = dict(type='block', mask_ratio=0.5, mask_block_size=4)
    return Method(dict(mask_mode=mode, mask_generator=blocks, **uda), (SOURCE, MIXED, MASKED),
                  teachers=teachers)


def on_targets(type: str, *terms: str, **uda: Any) -> Method:
    return Method(dict(uda, type=type), (SOURCE, ), terms, teachers=0)


METHODS = {
    'source_only': Method(dict(source_only=True), (SOURCE, ), teachers=0),
    'dacs': Method(dict()),
    'daformer': distance(),
    'labels_of_an_encoder': Method(dict(
        pseudo_label_affinity=0.1, pseudo_label_encoder=dict(type='sam', **ENCODER))),
    'daformer_to_an_encoder': distance(dict(type='sam', **ENCODER)),
    'daformer_to_the_regularizer': distance('regularizer'),
    **{f'mic_{mode}': mic(mode) for mode in MASK_MODES},
    'mic_own_teacher': mic('separatetrgaug', 2, mask_alpha=0.5, mask_pseudo_threshold=0.05),
    'vfmudapp': mic('separatetrgaug')._replace(
        uda=dict(
            mask_mode='separatetrgaug', mask_generator=dict(
                type='block', mask_ratio=0.5, mask_block_size=8, input_size=64),
            pseudo_label_mirror=True, source_loss_mean='valid', source_augmentation=COLORS,
            target_augmentation=COLORS, mix_augmentation=COLORS, foundation_distance_lambda=0.1,
            foundation_distance_encoder=dict(type='sam', **ENCODER)),
        terms=('distance_source.loss_foundation', 'distance_target.loss_foundation')),
    'minent': on_targets('MinEnt', 'ent.loss.main', lambda_ent=0.001),
    'maxsquare': on_targets('MaxSquare', 'max_square.loss.main', lambda_max_square=0.1,
                            image_wise_ratio=0.2),
    'advseg': on_targets('AdvSeg', 'G_trg.loss.main', 'D_trg.loss.main', 'D_src.loss.main',
                         lambda_adv_target=0.001),
}
REGULARIZERS = (None, 'ssr')
# Keys of ``uda``, and of the backbone where they say so.
MODES = {
    'exact': {},
    'bfloat16': {'amp': dict(dtype='bfloat16')},
    'joint_views': {'joint_views': True},
    'accumulation': {'cumulative_iters': 2},
    'clipping': {'grad_clip': dict(max_norm=1.)},
    'channels_last': {'channels_last': True},
    'skip': {'not_finite': 'skip'},
    'watch': {'watch_interval': 2},
    'skip_and_watch': {'not_finite': 'skip', 'watch_interval': 2},
    'regularized_labels': {'pseudo_label_branch': 'regularized'},
    'shadow_statistics': {'running_statistics': 'shadow'},
    'distillation': {'distillation_weight': 1.},
    'checkpointing': {'model.backbone.with_cp': True},
    'all': {'amp': dict(dtype='bfloat16'), 'joint_views': True, 'cumulative_iters': 2,
            'grad_clip': dict(max_norm=1.), 'channels_last': True, 'model.backbone.with_cp': True},
}


class Case(NamedTuple):
    """One combination, by the names in the tables above."""
    architecture: str
    method: str
    regularizer: Optional[str]
    mode: str = 'exact'

    def __str__(self):
        return '-'.join(filter(None, self))


def refusal(case: Case) -> Optional[str]:
    """What the message of a combination without sense begins with, None of one that trains."""
    student = ARCHITECTURES[case.architecture][0]
    if case.method == 'vfmudapp' and 'hrda' in case.architecture:
        return "uda.mask_generator.input_size: HRDA's detail crops need labels of the images' size"
    if case.method == 'vfmudapp' and 'losses' in student['decode_head']:
        return "uda.source_loss_mean='valid': .* of the decode head is no mean over the pixels"
    if 'joint_views' in MODES[case.mode] and student['backbone'] in (RESNET, VIT_ADAPTER):
        return r'uda.joint_views: the backbone has batch norm \((spm.)?stem.1\)'
    if 'joint_views' in MODES[case.mode] and case.method == 'vfmudapp':
        return 'uda.joint_views: masked images have a size of their own'
    if case.mode == 'skip_and_watch':
        return "uda.not_finite='skip' needs watch_interval=1"
    if case.method == 'daformer' and 'neck' in student:
        return ('uda.imnet_feature_dist_lambda: the features behind the neck SimpleFeaturePyramid '
                'have no pretrained counterpart')
    if case.method == 'daformer_to_the_regularizer' and case.regularizer is None:
        return "uda.imnet_feature_dist_encoder must be .* got 'regularizer' without SSR"
    if case.method == 'labels_of_an_encoder' and case.regularizer:
        return "uda.pseudo_label_encoder is for methods without SSR's regularizer"
    if case.mode == 'regularized_labels' and not (case.regularizer
                                                  and METHODS[case.method].teachers):
        return "uda.pseudo_label_branch='regularized' needs SSR's regularizer and a teacher"
    if case.mode == 'shadow_statistics' and not case.regularizer:
        return "uda.running_statistics='shadow' needs SSR's regularizer"
    if case.mode == 'distillation' and not case.regularizer:
        return "uda.distillation_weight needs SSR's regularizer"
    if case.mode == 'distillation' and not METHODS[case.method].teachers:
        return 'uda.distillation_weight is for the mixed view, which this method does not make'
    return None


def pairs_of(case: Case) -> set:
    """The pairs of values that a combination has together."""
    return set(combinations(enumerate(case), 2))


def covering() -> Iterator[Case]:
    """Every architecture with every method; the regularizer and the mode that leave the fewest
    pairs of values untried so far, and what pairs are left in the end."""
    tried = Counter()
    for parts in product(ARCHITECTURES, METHODS):
        cases = [case for case in TRAINABLE if case[:2] == parts]
        if cases:
            chosen = min(cases, key=lambda case: sum(
                min(tried[pair], 2) for pair in pairs_of(case)))
            tried.update(pairs_of(chosen))
            yield chosen
    for case in TRAINABLE:
        if pairs_of(case) - set(tried):
            tried.update(pairs_of(case))
            yield case


ALL = [Case(*values) for values in product(ARCHITECTURES, METHODS, REGULARIZERS, MODES)]
TRAINABLE = [case for case in ALL if not refusal(case)]
CASES = list(covering())
# One for each architecture and reason.
REFUSED = list({(case.architecture, refusal(case)): case for case in ALL if refusal(case)}.values())


def test_every_two_values_meet():
    trained = set().union(*map(pairs_of, CASES))
    possible = set().union(*map(pairs_of, TRAINABLE))
    assert possible - trained == set()


@pytest.fixture(scope='module')
def sections(data):
    """Config of a training by self-training on Streets, with margins on the target."""
    sections = tiny_training.method_config(data, iterations=2)
    sections['data']['train']['target']['crop_pseudo_margins'] = [2, 6, 2, 2]
    sections['optimizer'] = dict(type='SGD', lr=0.1)
    sections['runner'] = dict(type='SelfTrainingRunner', max_iters=2)
    return sections


@pytest.fixture(scope='module')
def batches(sections, tmp_path_factory):
    """The samples of two iterations, two images per domain in each."""
    file = tiny_training.write_config(tmp_path_factory.mktemp('batches') / 'config.py', sections)
    dataset = build_training_dataset(load_config(file), seed=0)
    return list(training_loader(dataset, 2, 2, seed=0))


def config_of(case: Case, sections: dict, file) -> Config:
    """The config file of a combination, written, read and validated."""
    student, widths = deepcopy(ARCHITECTURES[case.architecture])
    if 'hr_crop_size' in student:
        student['hr_crop_size'] = [side // 2 for side in tiny_training.CROP]
    uda = dict(sections['uda'], **METHODS[case.method].uda)
    if case.regularizer:
        uda.update(regularizer=dict(encoder=ENCODER, stages=list(range(len(widths)))))
    cfg = load_config(tiny_training.write_config(file, dict(sections, model=student, uda=uda)), {
        key if key.startswith('model.') else f'uda.{key}': value
        for key, value in MODES[case.mode].items()})
    validate(cfg)
    return cfg


def loss_names(case: Case) -> set:
    """What a training of the combination has to log as losses."""
    method, student = METHODS[case.method], ARCHITECTURES[case.architecture][0]
    head = ['loss_ce', 'hr.loss_ce'] if 'hrda' in case.architecture else ['loss_ce']
    if 'former' in case.architecture and 'losses' in student['decode_head']:  # masks, two layers
        head = [f'{layer}loss_{name}' for layer in ('d0.', 'd1.', '')
                for name in ('cls', 'mask', 'dice')]
    auxiliary = ['aux.loss_ce'] if 'auxiliary_head' in student else []
    names = {f'{view}decode.{name}' for view in method.views for name in head}
    names.update(f'{view}{name}' for view in method.views for name in auxiliary)
    if case.regularizer:
        names.update(f'{REGULARIZED[view]}{name}' for view in method.views if view in REGULARIZED
                     for name in head)
    if case.mode == 'distillation':
        names.add(f'{MIXED}decode.loss_distillation')
    return names.union(method.terms)


def frozen_networks(model) -> list:
    """Those that are neither trained nor follow the student: encoders, ImageNet's backbone."""
    return [module.network for module in model.modules()
            if isinstance(module, FrozenNetwork) and not isinstance(module, EMATeacher)]


def values_of(networks) -> list:
    return [[tensor.clone() for tensor in network.parameters()] for network in networks]


def changed(networks, before) -> list:
    """For each network, whether any of its weights differs from ``before``."""
    return [not all(map(torch.equal, old, new)) for old, new in zip(before, values_of(networks))]


@pytest.mark.parametrize('case', CASES, ids=str)
def test_it_trains(case, sections, batches, tmp_path):
    cfg = config_of(case, sections, tmp_path / 'config.py')
    model = build_training_model(cfg, seed=0).train()
    optimizer = build_optimizer(cfg, model)
    frozen, teachers = frozen_networks(model), [teacher.network for teacher in model.teachers]
    before = values_of(frozen), values_of(teachers), deepcopy(dict(model.named_parameters()))

    # oneDNN's gradient of a 3 x 3 convolution on a single pixel reads memory that nobody wrote,
    # in bfloat16 with AVX-512. HRDA's last stage has single pixels here.
    sound = not ('hrda' in case.architecture and 'bfloat16' in str(MODES[case.mode]))
    with torch.backends.mkldnn.flags(enabled=sound):
        logs = [model.train_step(batch, optimizer)['log_vars'] for batch in batches]

    assert {name for name in logs[-1] if 'loss' in name} == loss_names(case) | {'loss'}
    assert all(torch.tensor(value).isfinite() for value in logs[-1].values())
    assert not any(changed(frozen, before[0]))
    rounds = 1 if 'cumulative_iters' in MODES[case.mode] else 2
    assert changed(teachers, before[1]) == [rounds == 2] * METHODS[case.method].teachers
    assert [teacher.updates for teacher in model.teachers] == [rounds] * len(teachers)
    moved = {name for name, weight in model.named_parameters()
             if not torch.equal(weight, before[2][name])}
    assert parts_of(before[2]) - parts_of(moved) == untrained(case)
    assert set(model.state_dict()) == set(build_test_model(cfg).state_dict())


def parts_of(names) -> set:
    """Backbone, neck and heads of the student, stages of the regularizer."""
    return {'.'.join(name.split('.')[:2 if name.startswith('model.') else 3]) for name in names}


def untrained(case: Case) -> set:
    """What has no gradient: SSR of the stages that DeepLabV2's head does not read."""
    if case.regularizer is None or 'dlv2' not in case.architecture:
        return set()
    return {f'regularizer.{part}.{stage}' for part in ('attentions', 'projections')
            for stage in range(3)}


@pytest.mark.parametrize('case', REFUSED, ids=str)
def test_it_is_refused(case, sections, tmp_path):
    with pytest.raises(ConfigError, match=refusal(case)):
        build_training_model(config_of(case, sections, tmp_path / 'config.py'), seed=0)
