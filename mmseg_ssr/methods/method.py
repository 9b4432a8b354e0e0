"""The methods by the names that configs use: from config keys to the parts of the step.

The keys have MIC's and SSR's names and meaning (contract C3).
"""
from typing import Any, Dict, Optional, Sequence, Union

from mmseg.models import builder
from mmseg.models.builder import SEGMENTORS
from mmseg.utils import get_root_logger
from torch import nn

from ..errors import ConfigError
from ..uda.draws import Draws
from ..uda.update.finite_check import NumericalWatch
from ..uda.update.teacher import EMATeacher
from ..uda.views.strong_augmentation import StrongAugmentation
from ..utils.registration import register
from .checks import check_choice, check_not_negative, check_share, check_student, check_targets
from .parts import (
    adversarial_adaptation,
    build_student,
    compile_networks,
    entropy_minimization,
    feature_distance,
    loss_terms_of,
    masked_consistency,
    maximum_squares,
    optimization,
    part,
    regularization,
    regularized_labels,
    shadow_statistics,
    teaching,
    to_channels_last,
)
from .segmentor import UDASegmentor


class Method(UDASegmentor):
    """What all methods are built from: their keys switch the parts of the step on.

    The registered classes below differ in whether there is a teacher for ClassMix, and in the keys
    that they insist on. Each takes the keys of the others as well: ``type='DACS'`` with
    ``lambda_ent=0.001`` is DACS and entropy minimization.

    Args:
        model: the student, a segmentor's config or the segmentor itself.
        max_iters: length of the training; accepted from MIC's builder.
        source_only: no teacher, no discriminators and no target images.
        alpha: EMA rate of the teacher (0.999 in DAFormer).
        pseudo_threshold: confidence threshold of pseudo-labels.
        pseudo_weight_ignore_top, pseudo_weight_ignore_bottom: rows at the top and at the bottom of
            the crop whose pseudo-labels are not trusted.
        imnet_feature_dist_lambda: weight of the ImageNet feature distance, 0 is off.
        imnet_feature_dist_classes: train ids it is restricted to, None for everywhere.
        imnet_feature_dist_scale_min_ratio: share of a feature cell one class must cover.
        imnet_feature_dist_scale_method: accepted for old configs; only 'ratio' exists.
        imnet_feature_dist_encoder: what the distance is to. None: the student's own backbone with
            its pretrained weights, as published. ``dict(type='timm', ...)`` or
            ``dict(type='sam', ...)``: a frozen foundation encoder, see
            :func:`~mmseg_ssr.regularizer.build_encoder`. 'regularizer': that of SSR, whose map is
            used twice. See :class:`~mmseg_ssr.uda.losses.encoder_distance.EncoderDistance`.
        mix: only 'class' exists.
        blur: blur half of the mixed batches; the 'aug' modes of ``mask_mode`` do so anyway.
        color_jitter_strength: of the mixed images' colors, a number or a dict of four; see
            :class:`~mmseg_ssr.uda.views.strong_augmentation.StrongAugmentation`, as for the next
            one.
        color_jitter_probability: colors are jittered when a uniform draw is *above* this number.
        mask_mode: MIC's masked view, None is off: 'separatetrg' masks the target images,
            'separatesrc' the source images, 'separate' one half of the batch of each; with 'aug'
            appended their colors are jittered first.
        mask_alpha, mask_pseudo_threshold: 'same' as without the prefix, or numbers for a teacher
            of the masked view's own.
        mask_lambda: weight of the masked loss.
        mask_generator: ``dict(type='block', mask_ratio=0.7, mask_block_size=64)``.
        lambda_ent: weight of the entropy of predictions for target images (MinEnt), None or 0 is
            off. A number is that of the decode head; ``dict(main=0.001, aux=0.0002)`` has one for
            the auxiliary head too (which counts where the student has one). See
            :class:`~mmseg_ssr.uda.losses.entropy_minimization.EntropyMinimization`.
        lambda_max_square: weight of the maximum squares loss on target images, 0 is off. See
            :class:`~mmseg_ssr.uda.losses.maximum_squares.MaximumSquares`, as for the next four.
        image_wise_ratio: exponent of the image-wise class weights (IW, 0.2 in the paper), None is
            off.
        guidance_weight: of the auxiliary head's lessons by the final prediction (Multi, 0.1 in
            the paper), a factor beside ``lambda_max_square``; 0 is off.
        guidance_threshold: confidence above which a pixel is such a lesson.
        guidance_from: 'mean' of both heads' probabilities, as published, or 'main', the decode
            head's alone.
        lambda_adv_target: weights of the adversarial loss (AdvSeg), as of ``lambda_ent``; each
            head gets a discriminator. See
            :class:`~mmseg_ssr.uda.losses.adversarial.AdversarialAdaptation`, as for the next four.
        discriminator_type: 'LS' or 'Vanilla'.
        lr_D: learning rate of the discriminators' Adam.
        lr_D_power: of its polynomial decay over ``max_iters``; None follows the student's
            schedule.
        lr_D_min: where that ends.
        loss_terms: terms of your own, ``[dict(type=NAME, ...)]``, classes in mmseg's ``LOSSES``
            derived from :class:`~mmseg_ssr.uda.losses.loss_term.LossTerm`.
        sam_model_registry: 'vit_b', 'vit_l' or 'vit_h' switches SSR on with the published SAM.
        stop_stage: stages that SSR enhances, by default all four; ``stages`` of ``regularizer``.
        sam_checkpoint: file of the SAM weights, by default under its published name in
            ``pretrained/``; only with ``sam_model_registry``.
        regularizer: SSR with any encoder, see
            :func:`~mmseg_ssr.models.ssr_encoder_decoder.build_regularizer`; instead of
            ``sam_model_registry``.
        regularizer_weight: of the regularization branch's losses, 1 in the paper.
        pseudo_label_branch: 'shadow', as in the paper, or 'regularized': the teacher's features
            are enhanced by the regularizer before they are labeled, so that pseudo-labels too
            know what the frozen encoder knows (one more pass of it, over the target images).
        running_statistics: of the decode head's batch norms: 'both', as published, takes those of
            both branches; 'shadow' those of the shadow branch alone, which is the one that is
            tested. The further the two branches' features lie apart, the more it matters.
        joint_views: one backbone pass for all views, see
            :class:`~mmseg_ssr.uda.self_training.SelfTraining`; not with batch norm in it.
        amp: mixed precision, ``dict(dtype='bfloat16')`` or ``dict(dtype='float16')``; see
            :class:`~mmseg_ssr.uda.update.optimization.Optimization`, as for the next two.
        grad_clip: ``dict(max_norm=10, norm_type=2)``, None does not clip.
        cumulative_iters: iterations whose gradients make one update.
        not_finite: 'stop' or 'skip': when a loss or gradient is not finite; see
            :class:`~mmseg_ssr.uda.update.finite_check.NumericalWatch`, as for the next one.
        watch_interval: iterations between two readings of losses on the host; above 1 only with
            ``runner=dict(type='SelfTrainingRunner')``.
        channels_last: memory format of the networks.
        compile: let torch compile the networks (the first iterations take longer): True, or a
            mode of ``torch.compile``; 'reduce-overhead' replays CUDA graphs.
        debug_img_interval: iterations between two pictures of the training views, 0 makes none;
            see :class:`~mmseg_ssr.engine.logging.view_pictures.DebugPanels`.
        print_grad_magnitude: accepted from MIC's configs, without effect.
        seed: of the random decisions.
        pretrained: of the student, when its own config has none.
        train_cfg: None (and no ``max_iters``) builds for inference, as mmseg's test script does.
        test_cfg: of the student, when its own config has none.

    Raises:
        ConfigError: a value that is not valid, with the key's name.
    """

    class_mix = False
    needs_regularizer = False
    #: A key without which the method would be another one.
    needed: Optional[str] = None

    def __init__(self,
                 model: Union[dict, nn.Module],
                 max_iters: Optional[int] = None,
                 source_only: bool = False,
                 alpha: float = 0.99,
                 pseudo_threshold: float = 0.968,
                 pseudo_weight_ignore_top: int = 0,
                 pseudo_weight_ignore_bottom: int = 0,
                 imnet_feature_dist_lambda: float = 0.,
                 imnet_feature_dist_classes: Optional[Sequence[int]] = None,
                 imnet_feature_dist_scale_min_ratio: Optional[float] = None,
                 imnet_feature_dist_scale_method: str = 'ratio',
                 imnet_feature_dist_encoder: Union[str, Dict[str, Any], None] = None,
                 mix: str = 'class',
                 blur: bool = True,
                 color_jitter_strength: Union[float, Dict[str, float]] = 0.2,
                 color_jitter_probability: float = 0.2,
                 mask_mode: Optional[str] = None,
                 mask_alpha: Union[str, float] = 'same',
                 mask_pseudo_threshold: Union[str, float] = 'same',
                 mask_lambda: float = 1.,
                 mask_generator: Optional[Dict[str, Any]] = None,
                 lambda_ent: Union[float, Dict[str, float], None] = None,
                 lambda_max_square: float = 0.,
                 image_wise_ratio: Optional[float] = None,
                 guidance_weight: float = 0.,
                 guidance_threshold: float = 0.95,
                 guidance_from: str = 'mean',
                 lambda_adv_target: Union[float, Dict[str, float], None] = None,
                 discriminator_type: str = 'LS',
                 lr_D: float = 1e-4,
                 lr_D_power: Optional[float] = None,
                 lr_D_min: float = 0.,
                 loss_terms: Sequence[Dict[str, Any]] = (),
                 sam_model_registry: Optional[str] = None,
                 stop_stage: Optional[Sequence[int]] = None,
                 sam_checkpoint: Optional[str] = None,
                 regularizer: Optional[Dict[str, Any]] = None,
                 regularizer_weight: float = 1.,
                 pseudo_label_branch: str = 'shadow',
                 running_statistics: str = 'both',
                 joint_views: bool = False,
                 amp: Optional[Dict[str, str]] = None,
                 grad_clip: Optional[Dict[str, float]] = None,
                 cumulative_iters: int = 1,
                 not_finite: str = 'stop',
                 watch_interval: int = 1,
                 channels_last: bool = False,
                 compile: Union[bool, str] = False,
                 debug_img_interval: int = 1000,
                 print_grad_magnitude: bool = False,
                 seed: int = 0,
                 pretrained: Optional[str] = None,
                 train_cfg: Optional[dict] = None,
                 test_cfg: Optional[dict] = None):
        student = build_student(model, test_cfg, pretrained)
        if train_cfg is None and max_iters is None:
            super().__init__(student)
            self._tie_state_dict_to_student()
            return
        check_choice('imnet_feature_dist_scale_method', imnet_feature_dist_scale_method, 'ratio')
        check_choice('mix', mix, 'class')
        check_share('pseudo_threshold', pseudo_threshold)
        check_not_negative(
            pseudo_weight_ignore_top=pseudo_weight_ignore_top,
            pseudo_weight_ignore_bottom=pseudo_weight_ignore_bottom,
            imnet_feature_dist_lambda=imnet_feature_dist_lambda, mask_lambda=mask_lambda,
            regularizer_weight=regularizer_weight, lambda_max_square=lambda_max_square,
            guidance_weight=guidance_weight, debug_img_interval=debug_img_interval)
        targets = check_targets(self.needed, source_only, dict(
            lambda_ent=entropy_minimization(student, lambda_ent),
            lambda_max_square=maximum_squares(
                student, lambda_max_square, image_wise_ratio, guidance_weight, guidance_threshold,
                guidance_from),
            lambda_adv_target=adversarial_adaptation(
                student, lambda_adv_target, discriminator_type, lr_D, lr_D_power, lr_D_min,
                max_iters)))
        labels_targets = self.class_mix and not source_only
        teacher = part(EMATeacher, student, alpha) if labels_targets else None
        masked = masked_consistency(
            student, mask_mode, mask_lambda, mask_generator,
            part(StrongAugmentation, color_jitter_strength, color_jitter_probability),
            teaching(mask_alpha, mask_pseudo_threshold, alpha, pseudo_threshold,
                     shared=labels_targets), has_targets=not source_only)
        views = dict(source=True, mix=teacher is not None, target=not source_only,
                     masked=masked is not None)
        terms = loss_terms_of(loss_terms, [name for name, there in views.items() if there])
        branch = regularization(student, sam_model_registry, stop_stage, sam_checkpoint,
                                regularizer)
        if self.needs_regularizer and branch is None:
            raise ConfigError("uda: SSR needs sam_model_registry='vit_b' (or 'vit_l', 'vit_h'), or "
                              'regularizer=dict(...)')
        distance = feature_distance(
            student, branch, imnet_feature_dist_lambda, imnet_feature_dist_encoder,
            imnet_feature_dist_classes, imnet_feature_dist_scale_min_ratio)
        super().__init__(
            student, teacher=teacher, threshold=pseudo_threshold,
            ignore_top=pseudo_weight_ignore_top, ignore_bottom=pseudo_weight_ignore_bottom,
            augmentation=part(StrongAugmentation, color_jitter_strength, color_jitter_probability,
                              blur),
            feature_distance=distance, masked_consistency=masked,
            regularizer=branch, regularizer_weight=regularizer_weight,
            shadow_statistics=shadow_statistics(running_statistics, branch is not None),
            regularized_labels=regularized_labels(
                pseudo_label_branch, branch is not None and labels_targets),
            target_terms=targets, loss_terms=terms, joint_views=joint_views, draws=Draws(seed),
            optimization=optimization(amp, grad_clip, cumulative_iters),
            watch=part(NumericalWatch, not_finite, watch_interval, get_root_logger().warning))
        self._tie_state_dict_to_student()
        self.debug_img_interval = debug_img_interval
        check_student(student, not source_only, bool(self.teachers), joint_views)
        if channels_last:
            to_channels_last(self)
        if compile:
            compile_networks(self, compile)


@register(SEGMENTORS)
class DACS(Method):
    """Self-training by ClassMix (arXiv 2007.08702); DAFormer and MIC are keys of it."""

    class_mix = True


@register(SEGMENTORS)
class SSR(DACS):
    """DACS that insists on a regularization branch (arXiv 2401.14686)."""

    needs_regularizer = True


@register(SEGMENTORS)
class MinEnt(Method):
    """Entropy minimization on target images (ADVENT, arXiv 1811.12833)."""

    needed = 'lambda_ent'


@register(SEGMENTORS)
class MaxSquare(Method):
    """Maximum squares loss on target images (arXiv 1909.13589), with IW and Multi as keys."""

    needed = 'lambda_max_square'


@register(SEGMENTORS)
class AdvSeg(Method):
    """Adversarial adaptation of the output space (AdaptSegNet, arXiv 1802.10349)."""

    needed = 'lambda_adv_target'


# MIC and its relatives build methods from a registry of their own; enter there as well.
if hasattr(builder, 'UDA'):
    for method in (DACS, SSR, MinEnt, MaxSquare, AdvSeg):
        register(builder.UDA)(method)
