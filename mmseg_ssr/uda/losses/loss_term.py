"""A loss term of your own: what the step gives it and asks of it."""
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Sequence

from torch import Tensor, nn

from ...errors import ConfigError, nearest
from ..keys import KeyGroup, key
from ..views.view import View


class LossTerm(nn.Module):
    """A further loss on what the plain student makes of some of the views.

    Derive yours from it, register it in mmseg's ``LOSSES`` and name it in ``uda.loss_terms``
    (docs/extending.md). Parameters that it has are trained with the student's; they are in the
    training state of a checkpoint, not in the student.
    """

    #: The views that it looks at, by their names.
    views: Sequence[str] = ('source', 'mix')

    def forward(self, view: View, feature: Tensor, logits: Mapping[str, Tensor]
                ) -> Dict[str, Tensor]:
        """Scalars by name: those with ``loss`` in it are minimized, all are logged.

        They are logged as ``VIEW.NAME`` (of the source view as ``NAME``), and have the same names
        in every iteration: several processes and ``uda.watch_interval`` rely on it.

        Args:
            view: image, label and pixel weights; the label is None on the target view.
            feature: B x C x h x w, the student's deepest map.
            logits: B x K x H x W at the size of the image, of 'main', the decode head, and of the
                auxiliary heads, if there are any.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class LossTermKeys(KeyGroup):
    """Loss terms of your own."""

    loss_terms: Sequence[Dict[str, Any]] = key(
        (), 'Terms of your own, `[dict(type=NAME, ...)]`: classes in mmseg\'s `LOSSES` derived '
        'from `LossTerm`.')

    def build(self, known_views: Sequence[str], views: Sequence[str],
              component: Callable[[str, Any, type], nn.Module]) -> List[LossTerm]:
        """Each term for those of its views that are among the method's.

        Args:
            known_views: names that a view can have.
            views: names of the method's views.
            component: builds a config, or passes on what is built; given its place in the config
                and the class that it must be of.
        """
        terms = []
        for i, config in enumerate(self.loss_terms):
            place = f'uda.loss_terms.{i}'
            term = component(place, config, LossTerm)
            kind = type(term).__name__
            for name in term.views:
                if name not in known_views:
                    raise ConfigError(f'{place}: {kind} looks at the view {name!r}'
                                      f'{nearest(name, known_views)}, valid are '
                                      f'{", ".join(known_views)}')
            if not set(term.views) & set(views):
                raise ConfigError(f'{place}: {kind} looks at {", ".join(term.views)}, but the '
                                  f'views of this method are {", ".join(views)}')
            term.views = [name for name in term.views if name in views]
            terms.append(term)
        return terms
