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

    Each image is encoded once in an iteration. The maps of a batch that brings some are used for
    its images. Other images are still encoded, such as the mixed one, unless it is composed.

    Args:
        regularizer: regularization branch with the encoder; None makes no maps of views.
        composed: whether the mixed view's map is composed.
        encoder: frozen encoder of the images of methods without a regularizer.
    """

    def __init__(self, regularizer: Optional[nn.Module] = None, composed: bool = False,
                 encoder: Optional[nn.Module] = None):
        self.regularizer, self.composed, self.encoder = regularizer, composed, encoder
        self._kept: Dict[Tensor, Tensor] = {}

    @property
    def encodes(self) -> bool:
        """Whether there is an encoder."""
        return self.regularizer is not None or self.encoder is not None

    def start_iteration(self, batch: Batch) -> None:
        """Forget the maps of the iteration before, and take those of a batch."""
        given = ((batch.img, batch.encoder_map), (batch.target_img, batch.target_encoder_map))
        self._kept = {img: found for img, found in given if found is not None}

    def of_image(self, img: Tensor) -> Tensor:
        """Return the map of normalized images B x 3 x H x W: B x C x h x w."""
        if img in self._kept:  # tensors are keys by identity
            return self._kept[img]
        encode = self.encoder if self.regularizer is None else self.regularizer.encode
        self._kept[img] = encode(img)
        return self._kept[img]

    def of_view(self, view: View) -> Optional[Tensor]:
        """Return the map of a view, B x C x h x w; None if the view is not regularized."""
        if self.regularizer is None or not view.regularized:
            return None
        if not self.composed or view.mixture is None:
            return self.of_image(view.img)
        source, target = map(self.of_image, (view.mixture.source, view.mixture.target))
        share = F.adaptive_avg_pool2d(view.mixture.mask.to(source.dtype), source.shape[2:])
        return share * source + (1 - share) * target
