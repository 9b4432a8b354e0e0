"""The batch of a training iteration, and the views that are made from it."""
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from torch import Tensor, nn

from ... import distributed
from ...errors import ConfigError
from ...labels.ignore_index import IGNORE_INDEX
from ..draws import Draws
from ..keys import KeyGroup, check_list, key

#: Names of the views of this package.
VIEWS = SOURCE, MIX, TARGET, MASKED = 'source', 'mix', 'target', 'masked'
#: Views that are compared with a foundation model instead of a label.
DISTANCES = DISTANCE_SOURCE, DISTANCE_TARGET = 'distance_source', 'distance_target'


#: Makes images B x 3 x H x W from such, with their mean and std and the random decisions.
Augmentation = Callable[[Tensor, Tensor, Tensor, Draws], Tensor]


class Batch(NamedTuple):
    """Images of both domains as the data loader gives them."""
    img: Tensor  # B x 3 x H x W, source
    label: Tensor  # B x 1 x H x W, source
    mean: Tensor  # 1 x 3 x 1 x 1, mean that normalized the images, in 0..255
    std: Tensor  # 1 x 3 x 1 x 1, standard deviation likewise
    target_img: Optional[Tensor] = None  # B x 3 x H x W
    valid_mask: Optional[Tensor] = None  # B x 1 x H x W, 0 where pseudo-labels are not trusted
    encoder_map: Optional[Tensor] = None  # B x C x h x w of img, if it was made before
    target_encoder_map: Optional[Tensor] = None  # B x C x h x w of target_img likewise


class PseudoLabel(NamedTuple):
    """A teacher's labels for a batch of target images, and their weights."""
    label: Tensor  # B x 1 x H x W, long
    weight: Tensor  # B x H x W in [0, 1]
    trusted: Optional[Tensor] = None  # B x H x W, bool, false in distrusted rows and margins


class Mixture(NamedTuple):
    """The images that a mixed image is made of."""
    mask: Tensor  # B x 1 x H x W, bool, pixels of the source image
    source: Tensor  # B x 3 x H x W
    target: Tensor  # B x 3 x H x W


class View(NamedTuple):
    """The data of one forward pass of the student."""
    name: str  # 'source', 'mix', 'target', 'masked', or a name of your own
    img: Tensor  # B x 3 x H x W, normalized
    label: Optional[Tensor] = None  # B x 1 x H x W; None: only losses without a label
    weight: Optional[Tensor] = None  # B x H x W, at least 0; None is 1 everywhere
    regularized: bool = False  # whether it also goes through the regularization branch
    scale: float = 1.  # weight of its losses in the shadow branch
    mixture: Optional[Mixture] = None  # what a mixed image is made of
    reference: Optional[Tensor] = None  # B x 3 x H x W, what a foundation model sees instead
    trusted: Optional[Tensor] = None  # B x H x W, bool, as of its pseudo-label; None: everywhere

    @property
    def prefix(self) -> str:
        """Prefix of its losses in the log. The source view has none."""
        return '' if self.name == SOURCE else self.name

    @property
    def regularized_prefix(self) -> str:
        """The prefix in the regularization branch: 'enhanced', 'enhanced_mix', ..."""
        return f'enhanced_{self.name}' if self.prefix else 'enhanced'


class ViewMaker(nn.Module):
    """Maker of one view in each iteration. Derive your own from it (docs/extending.md).

    Args:
        teacher: an :class:`~mmseg_ssr.uda.EMATeacher` of the view's own; None shares the method's.
        threshold: confidence threshold of the own teacher's pseudo-labels, in [0, 1].

    Attributes:
        name: name of the view.
        needs_target: whether the batch must have target images.
    """

    name: str
    needs_target = True

    def __init__(self, teacher: Optional[nn.Module] = None, threshold: Optional[float] = None):
        super().__init__()
        self.teacher, self.threshold = teacher, threshold

    def forward(self, batch: Batch, pseudo: Optional[PseudoLabel], draws: Draws) -> View:
        """Return the view of a batch.

        Args:
            batch: images of both domains.
            pseudo: pseudo-labels of the target images; None if no teacher gives any.
            draws: random decisions of the iteration.
        """
        raise NotImplementedError


class SourceView(ViewMaker):
    """The labeled source images.

    Args:
        augmentation: augmentation of the images; None changes nothing.
        mean_of_valid: whether losses are means over the pixels with a label, not over all.
    """

    name = SOURCE
    needs_target = False

    def __init__(self, augmentation: Optional[Augmentation] = None, mean_of_valid: bool = False):
        super().__init__()
        self.augmentation, self.mean_of_valid = augmentation, mean_of_valid

    def forward(self, batch: Batch, pseudo: Optional[PseudoLabel], draws: Draws) -> View:
        img = batch.img
        if self.augmentation is not None:
            img = self.augmentation(img, batch.mean, batch.std, draws)
        weight = valid_weight(batch.label) if self.mean_of_valid else None
        return View(SOURCE, img, batch.label.long(), weight, regularized=True)


def valid_weight(label: Tensor) -> Tensor:
    """Return weights whose mean over all pixels of a loss is its mean over the valid ones.

    With several processes it is the mean over the valid pixels of all. If all pixels are ignored,
    the weights are 0.

    Args:
        label: B x 1 x H x W, train ids and 255.

    Returns:
        B x H x W: 0 where the label is ignore, else the number of pixels for each valid one.
    """
    valid = (label != IGNORE_INDEX).squeeze(1).float()
    return valid / distributed.mean(valid.mean()).clamp(
        min=1 / (valid.numel() * distributed.world_size()))


class TargetView(ViewMaker):
    """The target images without a label."""

    name = TARGET

    def forward(self, batch: Batch, pseudo: Optional[PseudoLabel], draws: Draws) -> View:
        return View(TARGET, batch.target_img)


class DistanceView(ViewMaker):
    """Images for the student, augmented, and the same images for a foundation model, as they are.

    Args:
        name: 'distance_source' or 'distance_target', which images are taken.
        augmentation: augmentation of the student's images; None changes nothing.
    """

    def __init__(self, name: str, augmentation: Optional[Augmentation] = None):
        super().__init__()
        self.name, self.augmentation = name, augmentation
        self.needs_target = name == DISTANCE_TARGET

    def forward(self, batch: Batch, pseudo: Optional[PseudoLabel], draws: Draws) -> View:
        clean = batch.target_img if self.needs_target else batch.img
        img = clean
        if self.augmentation is not None:
            img = self.augmentation(clean, batch.mean, batch.std, draws)
        return View(self.name, img, reference=clean)


@dataclass(frozen=True)
class SourceViewKeys(KeyGroup):
    """Keys of the source view."""

    source_loss_mean: str = key(
        'all', "Pixels over which losses on the source view are means: 'all', as in DAFormer and "
        "MIC, or 'valid', those with a label, as in VFM-UDA++.", choices=('all', 'valid'))

    def build(self, augmentation: Optional[Augmentation]) -> SourceView:
        return SourceView(augmentation, self.source_loss_mean == 'valid')


@dataclass(frozen=True)
class ViewKeys(KeyGroup):
    """Keys of your own views."""

    views: Sequence[Dict[str, Any]] = key(
        (), "Views of your own, `[dict(type=NAME, ...)]`. Their classes stand in mmseg's `MODELS` "
        'and derive from `ViewMaker`. They come after the other views.')

    def check(self) -> None:
        check_list('views', self.views)

    def build(self, component: Callable[[str, Any, type], nn.Module],
              has_targets: bool) -> List[ViewMaker]:
        """Build the makers of these views.

        Args:
            component: returns a maker for its place in the config, its config or the maker itself,
                and the class that it must be derived from.
            has_targets: whether the method has target images.

        Raises:
            ConfigError: a view has no name of its own, or lacks target images.
        """
        makers: List[ViewMaker] = []
        for i, config in enumerate(self.views):
            place = f'uda.views.{i}'
            maker = component(place, config, ViewMaker)
            taken = (*VIEWS, *DISTANCES, *(other.name for other in makers))
            name = getattr(maker, 'name', None)
            if not isinstance(name, str) or not name or name in taken:
                raise ConfigError(f'{place}: {type(maker).__name__} needs a name of its own, other '
                                  f'than {", ".join(taken)}, got {name!r}')
            if maker.needs_target and not has_targets:
                raise ConfigError(f'{place}: {type(maker).__name__} needs target images, which '
                                  'uda.source_only=True leaves out: remove one of the two')
            makers.append(maker)
        return makers
