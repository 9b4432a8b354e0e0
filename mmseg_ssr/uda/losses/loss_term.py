"""A loss term of your own: what the step gives it and asks of it."""
from typing import Dict, Mapping, Sequence

from torch import Tensor, nn

from ..views.view import View

#: The names of the views that a step may have.
VIEWS = ('source', 'mix', 'target', 'masked')


class LossTerm(nn.Module):
    """A further loss on what the plain student makes of some of the views.

    Derive yours from it, register it in mmseg's ``LOSSES`` and name it in ``uda.loss_terms``
    (docs/extending.md). Parameters that it has are trained with the student's; they are in the
    training state of a checkpoint, not in the student.
    """

    #: The views that it looks at, of :data:`VIEWS`.
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
