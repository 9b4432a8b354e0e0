"""From config keys to the parts of a method, each checked and named when it is wrong."""
from copy import deepcopy
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import torch
from mmcv import ConfigDict
from mmseg.models.builder import LOSSES, SEGMENTORS
from torch import nn

from ..errors import ConfigError, nearest
from ..models.ssr_encoder_decoder import (
    SSREncoderDecoder,
    build_regularizer,
    feature_channels,
)
from ..regularizer import build_encoder
from ..uda import student as interface
from ..uda.losses.adversarial import AdversarialAdaptation
from ..uda.losses.encoder_distance import EncoderDistance
from ..uda.losses.entropy_minimization import EntropyMinimization
from ..uda.losses.feature_distance import FeatureDistance
from ..uda.losses.loss_term import VIEWS, LossTerm
from ..uda.losses.maximum_squares import Guidance, MaximumSquares
from ..uda.update.optimization import Optimization
from ..uda.update.teacher import EMATeacher
from ..uda.views.masked_consistency import BlockMask, MaskedConsistency
from ..uda.views.strong_augmentation import StrongAugmentation
from .checks import check_choice, check_keys, check_neck, check_not_negative
from .segmentor import encoder_of

#: Where the published SAM weights are looked for, by the name in ``sam_model_registry``.
SAM_CHECKPOINTS = {
    'vit_b': 'pretrained/sam_vit_b_01ec64.pth',
    'vit_l': 'pretrained/sam_vit_l_0b3195.pth',
    'vit_h': 'pretrained/sam_vit_h_4b8939.pth',
}
COMPILE_MODES = ('default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs')


def build_student(model: Union[dict, nn.Module], test_cfg: Optional[dict] = None,
                  pretrained: Optional[str] = None) -> nn.Module:
    """The plain segmentor of a config; one that is built already is used as it is."""
    if not isinstance(model, nn.Module):
        config = ConfigDict(deepcopy(model))  # mmseg reads its options as attributes
        for key, value in dict(test_cfg=test_cfg, pretrained=pretrained).items():
            if value is not None:
                config.setdefault(key, value)
        model = SEGMENTORS.build(config)
    if isinstance(model, SSREncoderDecoder):
        raise ConfigError('uda: the model is an SSREncoderDecoder, which trains its regularizer '
                          "without uda alone: set model.type='EncoderDecoder', and "
                          "uda.type='SSR' with uda.regularizer=...")
    return model


class Teaching(NamedTuple):
    """Who labels the target images of the masked view."""
    own_teacher: bool
    alpha: float
    threshold: float


def teaching(mask_alpha: Union[str, float], mask_threshold: Union[str, float], alpha: float,
             threshold: float, shared: bool) -> Teaching:
    """A teacher of its own where the numbers are not the host's, or it has no teacher to share."""
    numbers = [own_value(value, host) for value, host in
               ((mask_alpha, alpha), (mask_threshold, threshold))]
    return Teaching(not shared or numbers != [alpha, threshold], *numbers)


def masked_consistency(student: nn.Module, mode: Optional[str], weight: float,
                       generator: Optional[Dict[str, Any]], augmentation: StrongAugmentation,
                       teaching: Teaching, has_targets: bool) -> Optional[MaskedConsistency]:
    """MIC's masked view; a teacher of its own is only there if it has target images to label."""
    if mode is None:
        return None
    options = dict(generator or {})
    check_choice('mask_generator.type', options.pop('type', None), 'block')
    valid = ('mask_ratio', 'mask_block_size')
    check_keys('mask_generator', options, valid, needed=valid)
    masked = part(MaskedConsistency, mode, part(BlockMask, **options), augmentation, weight,
                  threshold=teaching.threshold)
    if teaching.own_teacher and has_targets and masked.needs_target:
        masked.teacher = part(EMATeacher, student, teaching.alpha)
    return masked


def regularization(student: nn.Module, registry_name: Optional[str],
                   stages: Optional[Sequence[int]], checkpoint: Optional[str],
                   regularizer: Optional[Dict[str, Any]]) -> Optional[nn.Module]:
    """SSR's branch: with the published SAM by its name, or any encoder by its config."""
    if regularizer is not None:
        if registry_name is not None:
            raise ConfigError('uda: give sam_model_registry or regularizer, not both')
        if checkpoint is not None:
            raise ConfigError('uda.sam_checkpoint goes with sam_model_registry; with regularizer '
                              'the file is regularizer.encoder.checkpoint')
    elif registry_name is None:
        for key, value in dict(stop_stage=stages, sam_checkpoint=checkpoint).items():
            if value is not None:
                raise ConfigError(f'uda.{key} is of SSR, which is off: give sam_model_registry or '
                                  'regularizer as well, or remove it')
        return None
    else:
        if registry_name not in SAM_CHECKPOINTS:
            raise ConfigError(f'uda.sam_model_registry must be one of {sorted(SAM_CHECKPOINTS)}, '
                              f'got {registry_name!r}{nearest(registry_name, SAM_CHECKPOINTS)}')
        regularizer = dict(encoder=dict(
            variant=registry_name, checkpoint=checkpoint or SAM_CHECKPOINTS[registry_name]))
    if stages is not None:
        if 'stages' in regularizer:
            raise ConfigError('uda: give stop_stage or regularizer.stages, not both')
        regularizer = dict(regularizer, stages=stages)
    return build_regularizer(student, **regularizer)


def feature_distance(student: nn.Module, regularizer: Optional[nn.Module], weight: float,
                     encoder: Union[str, Dict[str, Any], None], classes: Optional[Sequence[int]],
                     min_ratio: Optional[float]) -> Optional[FeatureDistance]:
    """The distance to the student's own pretrained backbone, or to a foundation encoder."""
    if weight == 0:
        return None
    options = dict(weight=weight, num_classes=student.decode_head.num_classes, classes=classes,
                   min_ratio=min_ratio)
    if encoder is None:
        check_neck(student)
        return part(FeatureDistance, deepcopy(encoder_of(student)), **options)
    shared = encoder == 'regularizer'
    if not shared and not isinstance(encoder, dict) or shared and regularizer is None:
        raise ConfigError("uda.imnet_feature_dist_encoder must be None, dict(type='timm', ...) or "
                          "dict(type='sam', ...), or, with SSR, 'regularizer', got "
                          f'{encoder!r}{" without SSR" if shared else ""}')
    network = regularizer.encoder if shared else build_encoder(encoder)
    return part(EncoderDistance, network, feature_channels(student)[-1], shared, **options)


def entropy_minimization(student: nn.Module, weights: Union[float, Dict[str, float], None]
                         ) -> Optional[EntropyMinimization]:
    """The entropy of predictions for target images."""
    weights = level_weights('lambda_ent', weights, student)
    return EntropyMinimization(weights) if weights else None


def maximum_squares(student: nn.Module, weight: float, image_wise_ratio: Optional[float],
                    guidance_weight: float, threshold: float,
                    guide: str) -> Optional[MaximumSquares]:
    """The maximum squares loss, with image-wise weights and guidance as they are switched on."""
    if weight == 0:
        return None
    guidance = Guidance(guidance_weight, threshold, guide) if guidance_weight else None
    heads = list(interface.heads(student))
    if guidance is not None and 'aux' not in heads:
        raise ConfigError('uda.guidance_weight: guidance needs one auxiliary head, '
                          'model.auxiliary_head=dict(...) and no list, the student has '
                          f'{", ".join(heads[1:]) or "none"}: give one, or set it to 0')
    return part(MaximumSquares, weight, image_wise_ratio, guidance)


def adversarial_adaptation(student: nn.Module, weights: Union[float, Dict[str, float], None],
                           kind: str, rate: float, rate_power: Optional[float], rate_min: float,
                           max_iters: Optional[int]) -> Optional[AdversarialAdaptation]:
    """A discriminator for each head of the student."""
    weights = level_weights('lambda_adv_target', weights, student)
    if not weights:
        return None
    return part(AdversarialAdaptation, student.decode_head.num_classes, weights, kind, rate,
                rate_power, rate_min, max_iters)


def loss_terms_of(configs: Sequence[Dict[str, Any]], views: Sequence[str]) -> List[LossTerm]:
    """The user's own terms, each for those of its views that are among the method's ``views``."""
    terms = []
    for i, config in enumerate(configs):
        where = f'uda.loss_terms.{i}'
        if config['type'] not in LOSSES:
            raise ConfigError(f'unknown {where}.type {config["type"]!r}'
                              f'{nearest(config["type"], LOSSES.module_dict)}')
        term = part(LOSSES.build, config)
        if not isinstance(term, LossTerm):
            raise ConfigError(f'{where}: {config["type"]} is no mmseg_ssr.uda.LossTerm; losses of '
                              'logits and labels go to model.decode_head.loss_decode')
        for name in term.views:
            if name not in VIEWS:
                raise ConfigError(f'{where}: {config["type"]} looks at the view {name!r}'
                                  f'{nearest(name, VIEWS)}, valid are {", ".join(VIEWS)}')
        if not set(term.views) & set(views):
            raise ConfigError(f'{where}: {config["type"]} looks at {", ".join(term.views)}, but '
                              f'the views of this method are {", ".join(views)}')
        term.views = [name for name in term.views if name in views]
        terms.append(term)
    return terms


def level_weights(key: str, weights: Union[float, Dict[str, float], None],
                  student: nn.Module) -> Dict[str, float]:
    """Weights above 0 by the student's levels, 'main' and those of its auxiliary heads."""
    if not isinstance(weights, dict):
        weights = dict(main=weights or 0.)
    levels = ['main', *list(interface.heads(student))[1:]]
    optional = ['aux'] if len(levels) == 1 else []  # MIC's dicts have it, whether there is one
    for level, weight in weights.items():
        if level not in (*levels, *optional):
            raise ConfigError(f'unknown key uda.{key}.{level}{nearest(level, levels)}, the '
                              f'student has {", ".join(levels)}')
        check_not_negative(**{f'{key}.{level}': weight})
    return {level: weights[level] for level in levels if weights.get(level)}


def regularized_labels(branch: str, possible: bool) -> bool:
    """Whether the regularization branch labels target images."""
    if branch not in ('shadow', 'regularized'):
        raise ConfigError("uda.pseudo_label_branch must be 'shadow' or 'regularized', got "
                          f'{branch!r}{nearest(branch, ("shadow", "regularized"))}')
    if branch == 'regularized' and not possible:
        raise ConfigError("uda.pseudo_label_branch='regularized' needs SSR's regularizer and a "
                          "teacher that labels target images (type='SSR'): set it to 'shadow'")
    return branch == 'regularized'


def shadow_statistics(branches: str, regularized: bool) -> bool:
    """Whether the head's running statistics are those of the shadow branch alone."""
    if branches not in ('both', 'shadow'):
        raise ConfigError(f"uda.running_statistics must be 'both' or 'shadow', got {branches!r}"
                          f'{nearest(branches, ("both", "shadow"))}')
    if branches == 'shadow' and not regularized:
        raise ConfigError("uda.running_statistics='shadow' needs SSR's regularizer (type='SSR'), "
                          "without it there is one branch: set it to 'both'")
    return branches == 'shadow'


def own_value(value: Union[str, float], host: float) -> float:
    """The value of the host method for 'same'."""
    if isinstance(value, str) and value != 'same':
        raise ConfigError(f"uda: mask_alpha and mask_pseudo_threshold are 'same' or numbers, got "
                          f'{value!r}')
    return host if value == 'same' else value


def part(factory, *args, **kwargs):
    """Build a part; what it finds wrong with a value is a fault of the config."""
    try:
        return factory(*args, **kwargs)
    except ValueError as error:
        raise ConfigError(f'uda: {error}') from error


def optimization(amp: Optional[Dict[str, Any]], grad_clip: Optional[Dict[str, Any]],
                 cumulative_iters: int) -> Optimization:
    """Precision, clipping and accumulation."""
    check_keys('amp', amp, ('dtype', ))
    check_keys('grad_clip', grad_clip, ('max_norm', 'norm_type'), needed=('max_norm', ))
    return part(Optimization, **(amp or {}), **(grad_clip or {}),
                cumulative_iters=cumulative_iters)


def compile_networks(method: nn.Module, mode: Union[bool, str]) -> None:
    """Let torch compile student, teacher and frozen networks, in place: their names stay.

    Each image size is compiled on its own: on a CPU torch 2.11 fails to make code for MiT that
    holds for all sizes.
    """
    mode = 'default' if mode is True else mode
    if mode not in COMPILE_MODES:
        raise ConfigError(f'uda.compile must be True, False or one of {COMPILE_MODES}, got '
                          f'{mode!r}{nearest(str(mode), COMPILE_MODES)}')
    networks = list(interface.compilable(method.model))
    networks += [teacher.network.backbone for teacher in method.teachers]
    if method.feature_distance is not None:
        networks += method.feature_distance.networks
    if method.regularizer is not None:
        networks.append(method.regularizer.encoder.network)
    for network in networks:
        network.compile(dynamic=False, mode=mode)


def to_channels_last(method: nn.Module) -> None:
    """Channels innermost in the memory of every convolution, the teachers' too."""
    for network in (method.model, *(teacher.network for teacher in method.teachers)):
        network.to(memory_format=torch.channels_last)
