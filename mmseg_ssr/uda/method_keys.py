"""All keys of a method, and the parts that they switch on.

The keys have the names and meanings that MIC and SSR gave them (docs/contracts.md, C3).
"""
import dataclasses
import warnings
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence

from torch import nn

from ..errors import ConfigError, Problems, nearest
from .draws import Draws
from .encoder_maps import EncoderMaps
from .execution import ExecutionKeys
from .keys import KeyGroup, key
from .losses.adversarial import AdversarialKeys
from .losses.entropy_minimization import EntropyMinimizationKeys
from .losses.feature_distance_keys import FeatureDistanceKeys
from .losses.foundation_distance import FoundationDistanceKeys
from .losses.loss_term import LossTermKeys
from .losses.maximum_squares import MaximumSquaresKeys
from .losses.regularization_keys import RegularizationKeys
from .losses.view_losses import ViewLosses
from .self_training import SelfTraining
from .student_checks import (
    check_class_scores,
    check_joint_views,
    check_mean_of_valid,
    check_one_head,
    check_pixel_weights,
)
from .update.finite_check import FiniteCheckKeys
from .update.optimization import OptimizationKeys
from .update.teacher import TeacherKeys
from .views.class_mix import ClassMixKeys
from .views.masked_consistency import MaskedConsistencyKeys
from .views.photometric import PhotometricKeys
from .views.pseudo_label import PseudoLabelKeys
from .views.strong_augmentation import StrongAugmentationKeys
from .views.view import (
    DISTANCE_SOURCE,
    DISTANCE_TARGET,
    MIX,
    TARGET,
    DistanceView,
    SourceViewKeys,
    TargetView,
    ViewKeys,
    ViewMaker,
)


@dataclasses.dataclass(frozen=True)
class TrainingKeys(KeyGroup):
    """Keys of the training as a whole."""

    max_iters: Optional[int] = key(
        None, "Number of training iterations, as MIC's builder gives it.")
    source_only: bool = key(False, 'Train without teacher, discriminators and target images.')
    seed: int = key(0, 'Seed of the random decisions.')
    debug_img_interval: int = key(
        1000, 'Iterations between two pictures of the training views. 0 makes none.', least=0)
    print_grad_magnitude: bool = key(False, "Accepted from MIC's configs, without effect.")


@dataclasses.dataclass(frozen=True)
class MethodKeys:
    """The groups of keys of a method, one for each part."""

    training: TrainingKeys
    teacher: TeacherKeys
    pseudo_labels: PseudoLabelKeys
    feature_distance: FeatureDistanceKeys
    foundation_distance: FoundationDistanceKeys
    source_view: SourceViewKeys
    class_mix: ClassMixKeys
    augmentation: StrongAugmentationKeys
    photometric: PhotometricKeys
    masked_consistency: MaskedConsistencyKeys
    entropy: EntropyMinimizationKeys
    maximum_squares: MaximumSquaresKeys
    adversarial: AdversarialKeys
    loss_terms: LossTermKeys
    views: ViewKeys
    regularization: RegularizationKeys
    execution: ExecutionKeys
    optimization: OptimizationKeys
    finite_check: FiniteCheckKeys

    @classmethod
    def read(cls, keys: Mapping[str, Any]) -> 'MethodKeys':
        """Give each group its keys.

        Raises:
            ConfigError: keys are unknown or have wrong values (one line each).
        """
        problems, groups = Problems(), {}
        problems.tried(check_names, keys)
        for group in dataclasses.fields(cls):
            names = [field.name for field in dataclasses.fields(group.type) if field.name in keys]
            with problems.collected():
                groups[group.name] = group.type(**{name: keys[name] for name in names})
        problems.report()
        read = cls(**groups)
        read.execution.check_rounds(read.optimization.cumulative_iters)
        return read

    def parts(self, student: nn.Module, class_mix: bool, component: Callable[..., nn.Module],
              warn: Callable[[str], Any], needed: Optional[str] = None) -> Dict[str, Any]:
        """Build the arguments of :class:`.SelfTraining` for a student.

        Args:
            student: segmentor that is trained.
            class_mix: whether there is a mixed view, and so a teacher.
            component: builder of the user's own terms and views, see :meth:`.LossTermKeys.build`.
            warn: function that logs a warning.
            needed: key of the loss weight that the method is named after.

        Raises:
            ConfigError: parts do not fit the student (one line each).
            MissingFile, CheckpointError: the weights of a frozen encoder are missing or do not fit.
        """
        check_one_head(student)
        problems = Problems()
        tried = problems.tried
        has_targets = not self.training.source_only
        on_targets = dict(
            lambda_ent=tried(self.entropy.build, student),
            lambda_max_square=tried(self.maximum_squares.build, student),
            lambda_adv_target=tried(self.adversarial.build, student, self.training.max_iters))
        teacher = self.teacher.build(student) if class_mix and has_targets else None
        tried(self.masked_consistency.check_student, student)
        views = self._views(student, teacher, has_targets)
        views += tried(self.views.build, component, has_targets) or []
        problems.report()  # what follows would only repeat them
        tried(self._check_targets, needed, on_targets)
        names = [view.name for view in views] + ([TARGET] if has_targets else [])
        terms = tried(self.loss_terms.build, names, component) or []
        regularizer = tried(self.regularization.build, student)
        self._check_student(student, views, problems)
        problems.report()
        adversary = on_targets.pop('lambda_adv_target')
        losses = ViewLosses(
            student, tried(self.feature_distance.build, student, regularizer), regularizer,
            self.regularization.regularizer_weight,
            self.regularization.running_statistics == 'shadow',
            self.regularization.distillation_weight,
            [term for term in on_targets.values() if term is not None], adversary, terms,
            tried(self.foundation_distance.build, student))
        if losses.learns_from_predictions:
            views.insert(1 if teacher is None else 2, TargetView())
        views += self._distance_views(has_targets)
        maps = EncoderMaps(regularizer, self.regularization.mixed_maps == 'composed',
                           tried(self.pseudo_labels.encoder))
        pseudo_labels = tried(self.pseudo_labels.build, teacher, maps)
        problems.report()
        return dict(
            views=views, losses=losses, teacher=teacher, maps=maps, pseudo_labels=pseudo_labels,
            joint_views=self.execution.joint_views, draws=Draws(self.training.seed),
            optimization=self.optimization.build(warn), finite_check=self.finite_check.build(warn))

    def _views(self, student: nn.Module, teacher: Optional[nn.Module],
               has_targets: bool) -> List[ViewMaker]:
        """Return the source view, and the mixed and the masked view if they are on."""
        build = self.photometric.build
        views: List[ViewMaker] = [self.source_view.build(build('source'))]
        if teacher is not None:
            views.append(self.class_mix.build(
                build('mix') or self.augmentation.build(), build('target')))
        masked = self.masked_consistency.build(
            student, build('mix') or self.augmentation.build(blur=True), self.teacher.alpha,
            self.pseudo_labels.pseudo_threshold, teacher is not None, has_targets)
        return views if masked is None else [*views, masked]

    def _distance_views(self, has_targets: bool) -> List[ViewMaker]:
        """Return the views of the distance to a foundation model, if it is on."""
        if not self.foundation_distance.is_on:
            return []
        names = [DISTANCE_SOURCE, *([DISTANCE_TARGET] if has_targets else [])]
        return [DistanceView(name, self.photometric.build('target')) for name in names]

    def _check_targets(self, needed: Optional[str], terms: Dict[str, Optional[nn.Module]]) -> None:
        """Check that the method has its own loss, and has target images if a loss needs them."""
        given = [name for name, term in terms.items() if term is not None]
        if self.training.source_only and given:
            raise ConfigError('uda.source_only=True trains without target images, but '
                              f'{", ".join(given)} is a loss on them: remove one of the two')
        if not self.training.source_only and needed not in (None, *given):
            raise ConfigError(f'uda: this method needs {needed}, the weight of its loss on target '
                              'images, above 0 for a head that the student has')

    def _check_student(self, student: nn.Module, views: Sequence[ViewMaker],
                       problems: Problems) -> None:
        if not self.training.source_only:
            problems.tried(check_class_scores, student)
        if any(view.name == MIX or view.teacher is not None for view in views):
            problems.tried(check_pixel_weights, student)
        if not any(view.name == MIX for view in views):
            problems.tried(self.regularization.check_without_mixed_view)
        if self.source_view.source_loss_mean == 'valid':
            problems.tried(check_mean_of_valid, student)
        if self.execution.joint_views:
            problems.tried(check_joint_views, student)
            problems.tried(self.masked_consistency.check_joint_views)


def check_names(keys: Iterable[str]) -> None:
    """Raise a :class:`ConfigError` with a line for each unknown key."""
    known = fields()
    unknown = [f'unknown key uda.{name}{nearest(name, known)}' for name in keys
               if name not in known]
    if unknown:
        raise ConfigError(*unknown)


def fields() -> Dict[str, dataclasses.Field]:
    """Return the fields of all keys by name."""
    return {field.name: field for group in dataclasses.fields(MethodKeys)
            for field in dataclasses.fields(group.type)}


def build_self_training(student: nn.Module, class_mix: bool = True, **keys: Any) -> SelfTraining:
    """Build a method around any student, for a training loop of your own without OpenMMLab.

    Args:
        student: segmentor as :mod:`mmseg_ssr.uda.student` describes it.
        class_mix: whether there is a mixed view, and so a teacher.
        keys: keys of ``uda`` (docs/config.md). ``loss_terms`` and ``views`` hold built objects.

    Raises:
        ConfigError: keys are wrong (one line each).
    """
    read = MethodKeys.read(keys)
    method = SelfTraining(student, **read.parts(student, class_mix, built, warn=warnings.warn))
    read.execution.apply(method)
    return method


def built(place: str, component: Any, kind: type) -> nn.Module:
    """Return a component that is built already.

    Raises:
        ConfigError: it is not a ``kind``.
    """
    if not isinstance(component, kind):
        raise ConfigError(f'{place} must be a {kind.__name__}, got {type(component).__name__}')
    return component
