"""A loss term of one's own: the predictions for target images shall not collapse to few classes."""
import math

from mmseg.models.builder import LOSSES

from mmseg_ssr.uda import LossTerm


@LOSSES.register_module()
class Diversity(LossTerm):
    """How far the mean prediction is from all classes alike (as in SHOT, arXiv 2002.08546).

    0 when the classes are equally frequent over all pixels of the batch, 1 when there is one.

    Args:
        weight: of the loss.
    """

    views = ('target', )

    def __init__(self, weight: float = 0.1):
        super().__init__()
        self.weight = weight

    def forward(self, view, feature, logits):
        share = logits['main'].softmax(dim=1).mean(dim=(0, 2, 3))  # K classes
        entropy = -(share * share.clamp(min=1e-8).log()).sum() / math.log(len(share))
        return {'loss_diversity': self.weight * (1 - entropy), 'classes_in_use': entropy.detach()}
