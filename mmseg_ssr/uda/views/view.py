"""What a training iteration is given, and the views that it trains on."""
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from torch import Tensor, nn

from ...errors import ConfigError
from ..draws import Draws
from ..keys import KeyGroup, key

#: The names of the views that a method may have without your own.
VIEWS = SOURCE, MIX, TARGET, MASKED = 'source', 'mix', 'target', 'masked'


class Batch(NamedTuple):
    """Images of both domains as the data loader gives them."""
    img: Tensor  # B x 3 x H x W, source
    label: Tensor  # B x 1 x H x W, source
    mean: Tensor  # 1 x 3 x 1 x 1, of the normalization, in 0..255
    std: Tensor
    target_img: Optional[Tensor] = None  # B x 3 x H x W
    valid_mask: Optional[Tensor] = None  # B x 1 x H x W, 0 where pseudo-labels are not trusted


class PseudoLabel(NamedTuple):
    """What a teacher says of a batch of target images."""
    label: Tensor  # B x 1 x H x W, long
    weight: Tensor  # B x H x W in [0, 1]


class View(NamedTuple):
    """What one forward pass of the student is trained on."""
    name: str  # 'source', 'mix', 'target', 'masked', or a name of your own
    img: Tensor  # B x 3 x H x W, normalized
    label: Optional[Tensor] = None  # B x 1 x H x W; None: the predictions alone are learned from
    weight: Optional[Tensor] = None  # B x H x W in [0, 1], None is 1 everywhere
    regularized: bool = False  # it goes through the regularization branch as well
    scale: float = 1.  # weight of its losses in the shadow branch

    @property
    def prefix(self) -> str:
        """Of its losses in the log; the source view's have their plain names."""
        return '' if self.name == SOURCE else self.name

    @property
    def regularized_prefix(self) -> str:
        """The same in the regularization branch: 'enhanced', 'enhanced_mix', ..."""
        return f'enhanced_{self.name}' if self.prefix else 'enhanced'


class ViewMaker(nn.Module):
    """Makes one view of each iteration. Derive your own from it (docs/extending.md).

    Args:
        teacher: an :class:`~mmseg_ssr.uda.EMATeacher` of its own; None shares the method's.
        threshold: confidence of the own teacher's pseudo-labels, in [0, 1].

    Attributes:
        name: of the view.
        needs_target: whether the batch must have target images.
    """

    name: str
    needs_target = True

    def __init__(self, teacher: Optional[nn.Module] = None, threshold: Optional[float] = None):
        super().__init__()
        self.teacher, self.threshold = teacher, threshold

    def forward(self, batch: Batch, pseudo: Optional[PseudoLabel], draws: Draws) -> View:
        """The view of a batch.

        Args:
            pseudo: pseudo-labels of the target images; None where no teacher gives any.
            draws: all that is random.
        """
        raise NotImplementedError


class SourceView(ViewMaker):
    """The labeled source images."""

    name = SOURCE
    needs_target = False

    def forward(self, batch: Batch, pseudo: Optional[PseudoLabel], draws: Draws) -> View:
        return View(SOURCE, batch.img, batch.label.long(), regularized=True)


class TargetView(ViewMaker):
    """The target images without a label."""

    name = TARGET

    def forward(self, batch: Batch, pseudo: Optional[PseudoLabel], draws: Draws) -> View:
        return View(TARGET, batch.target_img)


@dataclass(frozen=True)
class ViewKeys(KeyGroup):
    """Views of your own."""

    views: Sequence[Dict[str, Any]] = key(
        (), 'Views of your own, `[dict(type=NAME, ...)]`: classes in mmseg\'s `MODELS` derived '
        'from `ViewMaker`. They are trained on after the others.')

    def build(self, component: Callable[[str, Any, type], nn.Module]) -> List[ViewMaker]:
        """The makers of these views.

        Args:
            component: builds a config, or passes on what is built; given its place in the config
                and the class that it must be of.
        """
        makers: List[ViewMaker] = []
        for i, config in enumerate(self.views):
            place = f'uda.views.{i}'
            maker = component(place, config, ViewMaker)
            taken = (*VIEWS, *(other.name for other in makers))
            name = getattr(maker, 'name', None)
            if not isinstance(name, str) or not name or name in taken:
                raise ConfigError(f'{place}: {type(maker).__name__} needs a name of its own, other '
                                  f'than {", ".join(taken)}, got {name!r}')
            makers.append(maker)
        return makers
