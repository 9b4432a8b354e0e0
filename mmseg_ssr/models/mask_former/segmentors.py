"""The segmentors of Mask2Former (arXiv 2112.01527) and SARFormer (Neurocomputing 635, 129915)."""
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from torch import Tensor
from torch.nn import functional as F

from ...errors import ConfigError, DataError
from ...host import LINE, SEGMENTORS, EncoderDecoder
from ...regions import build_region_source
from ...uda.draws import Draws
from ...utils.registration import register
from ..slide import crops_per_pass, rescaled, window_means, windows
from .features import RegionFeatures
from .mask2former_head import Mask2FormerHead
from .sarformer_head import SARFormerHead


@register(SEGMENTORS)
class Mask2Former(EncoderDecoder):
    """mmseg's ``EncoderDecoder`` for a head that predicts masks.

    :meth:`encode_decode` gives log scores. Overlapping windows and other sizes take the mean of the
    *scores*, as published. A backbone may take images of one size only (``img_size``). Smaller
    images are padded with the mean color at the right and at the bottom then.

    Args:
        backbone, neck, auxiliary_head, train_cfg, test_cfg, pretrained, init_cfg: as in mmseg's
            ``EncoderDecoder``. ``test_cfg.batched_slide=N`` lets N windows through at once.
        decode_head: config of a :class:`~.mask2former_head.Mask2FormerHead`.

    Raises:
        ConfigError: the head predicts no masks, or windows are not of the size that the backbone
            takes.
    """

    #: Class of the decode head.
    head = Mask2FormerHead

    def __init__(self,
                 backbone: dict,
                 decode_head: dict,
                 neck: Optional[dict] = None,
                 auxiliary_head: Union[dict, Sequence[dict], None] = None,
                 train_cfg: Optional[dict] = None,
                 test_cfg: Optional[dict] = None,
                 pretrained: Optional[str] = None,
                 init_cfg: Optional[dict] = None):
        if LINE == 1:
            raise ConfigError(f'{type(self).__name__} needs mmseg 0.x, and 1.x is installed: see '
                              'docs/mmseg1.md')
        super().__init__(
            backbone=backbone, decode_head=decode_head, neck=neck, auxiliary_head=auxiliary_head,
            train_cfg=train_cfg, test_cfg=test_cfg, pretrained=pretrained, init_cfg=init_cfg)
        name = type(self).__name__
        if not isinstance(self.decode_head, self.head):
            raise ConfigError(f'{name} needs decode_head.type={self.head.__name__!r}, got '
                              f'{type(self.decode_head).__name__}')
        if isinstance(self.decode_head, SARFormerHead) and not isinstance(self, SARFormer):
            raise ConfigError("SARFormerHead needs the regions of the images: set model.type="
                              "'SARFormer'")
        check_windows(self.test_cfg, self.img_size)

    @property
    def img_size(self) -> Optional[Tuple[int, int]]:
        """(height, width) of the only images that the backbone takes, None if it takes others."""
        return getattr(self.backbone, 'img_size', None)

    def follow_draws(self, draws: Optional[Draws]) -> None:
        """Let queries and losses draw from the decisions of a training's iterations."""
        self.decode_head.draws.follow(draws)

    def forward_train(self, img: Tensor, img_metas: List[dict],
                      gt_semantic_seg: Tensor) -> Dict[str, Tensor]:
        """Return the losses of all heads. Smaller images are padded, and ignored there."""
        return super().forward_train(
            self._padded(img), img_metas,
            self._padded(gt_semantic_seg, self.decode_head.ignore_index))

    def encode_decode(self, img: Tensor, img_metas: Optional[List[dict]]) -> Tensor:
        """Return log scores B x K x H x W, see :func:`~.mask2former_head.log_scores`."""
        logits = super().encode_decode(self._padded(img), img_metas)
        return logits[:, :, :img.shape[2], :img.shape[3]]

    def slide_inference(self, img: Tensor, img_meta: List[dict], rescale: bool) -> Tensor:
        """Return the logarithm of the mean scores of the windows at each pixel."""
        boxes = windows(self, img)
        scores = window_means(lambda part: self.encode_decode(part, img_meta).exp(), img, boxes,
                              crops_per_pass(self.test_cfg, len(boxes)) or 1)
        return self._log(scores, img_meta, rescale)

    def whole_inference(self, img: Tensor, img_meta: List[dict], rescale: bool) -> Tensor:
        """Return the log scores of the whole image."""
        return self._log(self.encode_decode(img, img_meta).exp(), img_meta, rescale)

    def _log(self, scores: Tensor, img_meta: List[dict], rescale: bool) -> Tensor:
        return (rescaled(scores, img_meta, self.align_corners) if rescale else scores).log()

    def _padded(self, img: Tensor, value: float = 0) -> Tensor:
        """Pad images or labels to the size that the backbone takes, at the right and bottom."""
        if self.img_size is None:
            return img
        missing = [max(wanted - side, 0) for wanted, side in zip(self.img_size, img.shape[2:])]
        if not any(missing):
            return img
        return F.pad(img, (0, missing[1], 0, missing[0]), value=value)


@register(SEGMENTORS)
class SARFormer(Mask2Former):
    """Segmentation whose queries are regions that the frozen SAM finds (SARFormer, Sec. 3).

    SAM runs in training *and* in testing: each image, and each window of an image, gets its own
    regions. SAM is no part of the checkpoint. The other arguments are those of
    :class:`Mask2Former`.

    Args:
        decode_head: config of a :class:`~.sarformer_head.SARFormerHead`.
        regions: config of the region source, ``dict(type='sam', ...)``, see
            :func:`~mmseg_ssr.regions.build_region_source`.

    Raises:
        ConfigError: the head is another one, or pools from maps that the backbone does not give.
        MissingFile, CheckpointError: SAM's weights are missing or do not fit.
    """

    head = SARFormerHead

    def __init__(self,
                 backbone: dict,
                 decode_head: dict,
                 regions: Dict[str, Any],
                 neck: Optional[dict] = None,
                 auxiliary_head: Union[dict, Sequence[dict], None] = None,
                 train_cfg: Optional[dict] = None,
                 test_cfg: Optional[dict] = None,
                 pretrained: Optional[str] = None,
                 init_cfg: Optional[dict] = None):
        super().__init__(backbone, decode_head, neck, auxiliary_head, train_cfg, test_cfg,
                         pretrained, init_cfg)
        self.with_context = self.decode_head.pool_from == 'context'
        if self.with_context and (neck is not None
                                  or not getattr(self.backbone, 'gives_context', False)):
            raise ConfigError(
                "decode_head.pool_from='context' needs a backbone without a neck that gives its "
                f'maps before their norms too, such as BEiTAdapter, and {backbone["type"]} '
                "gives none: set pool_from='mask_features'")
        self.regions = build_region_source(regions)

    def extract_feat(self, img: Tensor) -> RegionFeatures:
        """Return the maps of images B x 3 x H x W with the regions of each image.

        Raises:
            DataError: the source gives masks of another size.
        """
        context = None
        if self.with_context:
            maps, context = self.backbone(img, return_context=True)
        else:
            maps = self.extract_maps(img)
        return RegionFeatures(maps, context, self.masks_of(img), img.shape[2:])

    def extract_maps(self, img: Tensor) -> Sequence[Tensor]:
        """Return the maps of images B x 3 x H x W alone. SAM does not look at them."""
        return super().extract_feat(img)

    def masks_of(self, img: Tensor) -> List[Tensor]:
        """Return the masks of the regions of each image, n x H x W, bool."""
        masks = [regions.masks for regions in self.regions(img)]
        for one in masks:
            if one.shape[1:] != img.shape[2:]:
                raise DataError(f'{type(self.regions).__name__} gives regions of '
                                f'{tuple(one.shape[1:])} pixels for images of '
                                f'{tuple(img.shape[2:])}: they must have the size of the image')
        return masks


def check_windows(test_cfg: Optional[dict], img_size: Optional[Tuple[int, int]]) -> None:
    """Raise a :class:`ConfigError` unless the windows have the size that the backbone takes."""
    test_cfg = test_cfg or {}
    if img_size is None or test_cfg.get('mode') != 'slide':
        return
    crop = tuple(test_cfg['crop_size'])
    if crop != tuple(img_size):
        raise ConfigError(f'test_cfg.crop_size must be the img_size of the backbone, '
                          f'{tuple(img_size)}, got {crop}')
