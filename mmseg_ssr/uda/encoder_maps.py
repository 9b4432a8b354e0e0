"""The frozen encoder's maps of the images of an iteration."""
from typing import Dict, Optional

from torch import Tensor, nn
from torch.nn import functional as F

from .views.view import Batch, View


class EncoderMaps:
    """Makes the frozen encoder's map of each view that is regularized.

    The mixed view's map is that of the mixed image (SSR, Fig. 2). Composed, it is put together from
    the maps of the source and the target image, as the mixed image is from these. This saves a pass
    of the encoder, if the target image's map is needed anyway, and such a map does not show the
    augmentation of the mixed image. It is not in the paper.

    The maps of a batch that brings some are used for its images. Other images are still encoded,
    such as the mixed one, unless it is composed.

    Args:
        regularizer: regularization branch with the encoder; None makes no maps.
        composed: whether the mixed view's map is composed.
    """

    def __init__(self, regularizer: Optional[nn.Module] = None, composed: bool = False):
        self.regularizer, self.composed = regularizer, composed
        self._kept: Dict[Tensor, Tensor] = {}

    def start_iteration(self, batch: Batch) -> None:
        """Forget the maps of the iteration before, and take those of a batch."""
        given = ((batch.img, batch.encoder_map), (batch.target_img, batch.target_encoder_map))
        self._kept = {img: found for img, found in given if found is not None}

    def of_image(self, img: Tensor) -> Tensor:
        """Return the map of normalized images B x 3 x H x W: B x C x h x w."""
        if img in self._kept:  # tensors are keys by identity
            return self._kept[img]
        found = self.regularizer.encode(img)
        if self.composed:
            self._kept[img] = found
        return found

    def of_view(self, view: View) -> Optional[Tensor]:
        """Return the map of a view, B x C x h x w; None if the view is not regularized."""
        if self.regularizer is None or not view.regularized:
            return None
        if not self.composed or view.mixture is None:
            return self.of_image(view.img)
        source, target = map(self.of_image, (view.mixture.source, view.mixture.target))
        share = F.adaptive_avg_pool2d(view.mixture.mask.to(source.dtype), source.shape[2:])
        return share * source + (1 - share) * target
