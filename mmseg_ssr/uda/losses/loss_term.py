"""The base class of your own loss terms, and their key."""
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Sequence

from torch import Tensor, nn

from ...errors import ConfigError, nearest
from ..keys import KeyGroup, check_list, key
from ..views.view import VIEWS, View


class LossTerm(nn.Module):
    """Base class of a further loss on the plain student's predictions for some of the views.

    Derive your term from it, register it in mmseg's ``LOSSES`` and name it in ``uda.loss_terms``
    (docs/extending.md). The student's optimizer trains its parameters. They are saved in the
    training state of a checkpoint, not in the student.
    """

    #: Names of the views that the term looks at.
    views: Sequence[str] = ('source', 'mix')

    def forward(self, view: View, feature: Tensor, logits: Mapping[str, Tensor]
                ) -> Dict[str, Tensor]:
        """Return scalars by name. Those with ``loss`` in their names are minimized, all are logged.

        They are logged as ``VIEW.NAME``, those of the source view as ``NAME``. The names must be
        the same in every iteration: several processes and ``uda.watch_interval`` rely on it.

        Args:
            view: image, label and pixel weights. The label is None on the target view.
            feature: B x C x h x w, the student's deepest map.
            logits: B x K x H x W at the size of the label, or of the image without one: 'main' of
                the decode head, and those of the auxiliary heads, if there are any.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class LossTermKeys(KeyGroup):
    """Keys of your own loss terms."""

    loss_terms: Sequence[Dict[str, Any]] = key(
        (), "Loss terms of your own, `[dict(type=NAME, ...)]`. Their classes stand in mmseg's "
        '`LOSSES` and derive from `LossTerm`.')

    def check(self) -> None:
        check_list('loss_terms', self.loss_terms)

    def build(self, views: Sequence[str],
              component: Callable[[str, Any, type], nn.Module]) -> List[LossTerm]:
        """Build the terms. Each keeps those of its views that the method has.

        Args:
            views: names of the method's views.
            component: returns a term for its place in the config, its config or the term itself,
                and the class that it must be derived from.

        Raises:
            ConfigError: a term asks for a view that does not exist, or the method has none of its
                views.
        """
        terms = []
        known_views = list(dict.fromkeys([*VIEWS, *views]))
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
