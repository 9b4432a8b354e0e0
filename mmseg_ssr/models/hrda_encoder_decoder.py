"""Context and detail crops of one image through one network (HRDA, arXiv 2204.13132)."""
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError
from ..host import SEGMENTORS, TRAIN_CFG, EncoderDecoder, head_losses, preprocessing
from ..uda import student
from ..utils.registration import register
from .crops import Box, crop, random_box, slide_boxes
from .hrda_head import OUTPUT_STRIDES, HRDAFeatures
from .slide import crops_per_pass, slide_inference


@register(SEGMENTORS)
class HRDAEncoderDecoder(EncoderDecoder):
    """mmseg's ``EncoderDecoder`` on two resolutions (HRDA, "Context and Detail Crop").

    The *context* is the whole image at a lower scale. The *detail* is a crop at full scale: a
    random one in training, crops that slide over the image for pseudo-labels and in inference.
    ``HRDAHead`` fuses both. ``extract_feat`` is mmseg's: the stage maps of one image at one
    resolution.

    Args:
        backbone, neck, train_cfg, pretrained, init_cfg: as in mmseg's ``EncoderDecoder``.
        data_preprocessor: as in mmseg 1.x.
        test_cfg: as in mmseg's ``EncoderDecoder``. ``batched_slide=N`` lets N windows of slide
            inference, and N detail crops, through the network at once; True lets all of them.
        decode_head: config of an :class:`~mmseg_ssr.models.hrda_head.HRDAHead`.
        auxiliary_head: must be None.
        scales: 1 for the detail and a smaller one for the context, in any order.
        hr_crop_size: height and width of the detail crop in pixels, multiples of the head's stride
            (4, with ``DLV2Head`` 8); None takes the whole image.
        hr_slide_inference: whether the detail crop slides in inference; False takes the whole
            image.
        hr_slide_overlapping: whether the crop slides by half its size; False slides by all of it.
        crop_coord_divisible: offsets of the random crop are multiples of this number. The head's
            stride divided by the context's scale aligns the crop with the context's logits.
        blur_hr_crop: whether to down- and up-scale the detail image first (an ablation of the
            paper).
        feature_scale: scale of the features that the ImageNet feature distance compares; None, or
            the context's scale.

    Raises:
        ConfigError: a value is not valid. The error has the key's name.
    """

    #: False: the detail maps show a crop, so a map of the whole image does not lie on them.
    maps_show_the_image = False

    def __init__(self,
                 backbone: dict,
                 decode_head: dict,
                 neck: Optional[dict] = None,
                 auxiliary_head: None = None,
                 train_cfg: Optional[dict] = TRAIN_CFG,
                 test_cfg: Optional[dict] = None,
                 pretrained: Optional[str] = None,
                 init_cfg: Optional[dict] = None,
                 data_preprocessor: Optional[dict] = None,
                 scales: Sequence[float] = (1, 0.5),
                 hr_crop_size: Optional[Sequence[int]] = None,
                 hr_slide_inference: bool = True,
                 hr_slide_overlapping: bool = True,
                 crop_coord_divisible: int = 1,
                 blur_hr_crop: bool = False,
                 feature_scale: Optional[float] = None):
        check_scales(scales, feature_scale)
        check_crop(hr_crop_size, crop_coord_divisible,
                   OUTPUT_STRIDES.get(decode_head.get('single_scale_head'), 1))
        if auxiliary_head is not None:
            raise ConfigError('model.auxiliary_head of HRDAEncoderDecoder must be None: HRDA has '
                              'no auxiliary heads')
        super().__init__(
            backbone=backbone, decode_head=dict(decode_head, scales=tuple(scales)), neck=neck,
            train_cfg=train_cfg, test_cfg=test_cfg, pretrained=pretrained, init_cfg=init_cfg,
            **preprocessing(data_preprocessor))
        self.context_scale = min(scales)
        self.hr_crop_size = None if hr_crop_size is None else tuple(hr_crop_size)
        self.hr_slide_inference = hr_slide_inference
        self.hr_slide_overlapping = hr_slide_overlapping
        self.crop_coord_divisible = crop_coord_divisible
        self.blur_hr_crop = blur_hr_crop

    def multi_resolution_features(self, img: Tensor, boxes: Sequence[Box]) -> HRDAFeatures:
        """Return the stage maps of the context and of the detail crops of images B x 3 x H x W."""
        context = self.extract_feat(self.context_image(img))
        detail = self.extract_feat(self.detail_crops(img, boxes))
        return HRDAFeatures(context, detail, tuple(boxes))

    def detail_crops(self, img: Tensor, boxes: Sequence[Box]) -> Tensor:
        """Return crops n*B x 3 x h x w, all images of the first box first."""
        if self.blur_hr_crop:
            img = student.resized(self._rescaled(img, 0.5), img, self.align_corners)
        return torch.cat([crop(img, box) for box in boxes])

    def context_image(self, img: Tensor) -> Tensor:
        """Return the image at the scale of the context."""
        return img if self.context_scale == 1 else self._rescaled(img, self.context_scale)

    def _rescaled(self, img: Tensor, scale: float) -> Tensor:
        return F.interpolate(img, scale_factor=scale, mode='bilinear',
                             align_corners=self.align_corners)

    def training_box(self, img: Tensor, draw: Callable[..., Box]) -> Box:
        """Return the box of the detail crop of a training image.

        Args:
            draw: draws a box, with the arguments of :func:`crops.random_box`.
        """
        height, width = img.shape[2:]
        if self.hr_crop_size is None:
            return 0, height, 0, width
        if self.hr_crop_size[0] > height or self.hr_crop_size[1] > width:
            raise ConfigError(
                f'model.hr_crop_size must fit into the training image of {height} x {width} '
                f'pixels, got {list(self.hr_crop_size)}: make it smaller, or crop_size of the '
                'training data larger')
        return draw(height, width, self.hr_crop_size, self.crop_coord_divisible)

    def inference_boxes(self, img: Tensor) -> Tuple[Box, ...]:
        """Return the boxes of the detail crops of a test image."""
        height, width = img.shape[2:]
        if self.hr_crop_size is None or not self.hr_slide_inference:
            return ((0, height, 0, width), )
        step = 2 if self.hr_slide_overlapping else 1
        return slide_boxes(height, width, self.hr_crop_size,
                           [length // step for length in self.hr_crop_size])

    def inference_features(self, img: Tensor) -> HRDAFeatures:
        """Return the features of a test image.

        With ``test_cfg.batched_slide=N``, N detail crops go through the network at once, and only
        the logits of the detail are kept. In training mode this is off, because all crops share the
        statistics of batch norm.
        """
        boxes = self.inference_boxes(img)
        count = len(boxes) * len(img)
        step = crops_per_pass(self.test_cfg, count) or count
        if step >= count or self.training:
            return self.multi_resolution_features(img, boxes)
        detail = [self.decode_head.head(self.extract_feat(crops))
                  for crops in self.detail_crops(img, boxes).split(step)]
        return HRDAFeatures(self.extract_feat(self.context_image(img)), (), boxes,
                            torch.cat(detail))

    def encode_decode(self, img: Tensor, img_metas: Optional[list]) -> Tensor:
        """Return fused logits of context and sliding detail: B x K x H x W, the image's size."""
        return student.head_logits(self, self.inference_features(img), img)

    def slide_inference(self, img: Tensor, img_meta: list, rescale: bool = False) -> Tensor:
        """See :func:`~mmseg_ssr.models.slide.slide_inference`."""
        return slide_inference(self, img, img_meta, rescale)

    def forward_train(self, img: Tensor, img_metas: list,
                      gt_semantic_seg: Tensor) -> Dict[str, Tensor]:
        """Return losses ``decode.*`` of labeled images, for trainers outside of this package."""
        features = self.multi_resolution_features(img, [self.training_box(img, random_box)])
        return student.prefixed('decode', head_losses(
            self.decode_head, features, img_metas, gt_semantic_seg, self.train_cfg))


def check_scales(scales: Sequence[float], feature_scale: Any) -> None:
    if len(scales) != 2 or max(scales) != 1 or min(scales) <= 0:
        raise ConfigError('model.scales of HRDAEncoderDecoder must be 1 for the detail and one '
                          f'more in (0, 1] for the context, as in [1, 0.5], got {list(scales)}')
    if feature_scale not in (None, min(scales)):
        raise ConfigError(
            f'model.feature_scale of HRDAEncoderDecoder must be the scale of the context, '
            f'{min(scales)}, got {feature_scale!r}: the feature distance compares the context')


def check_crop(hr_crop_size: Optional[Sequence[int]], divisible: int, stride: int) -> None:
    if hr_crop_size is not None and (
            len(hr_crop_size) != 2
            or any(length < 1 or length % stride for length in hr_crop_size)):
        raise ConfigError('model.hr_crop_size of HRDAEncoderDecoder must be a height and a width '
                          f'that are multiples of {stride}, got {hr_crop_size}')
    if divisible < 1:
        raise ConfigError('model.crop_coord_divisible of HRDAEncoderDecoder must be at least 1, '
                          f'got {divisible}')


@student.training_features.register(HRDAEncoderDecoder)
def hrda_training_features(segmentor: HRDAEncoderDecoder, img: Tensor,
                           draws: Any) -> HRDAFeatures:
    """Return the features of the context and of one random detail crop, ``draws.crop_box(...)``."""
    box = segmentor.training_box(img, draws.crop_box)
    return segmentor.multi_resolution_features(img, [box])


@student.joint_training_features.register(HRDAEncoderDecoder)
def hrda_joint_training_features(segmentor: HRDAEncoderDecoder, imgs: Sequence[Tensor],
                                 draws: Any) -> Sequence[HRDAFeatures]:
    """Return the features from one pass for all contexts and one for all detail crops.

    Each batch has a box of its own.
    """
    boxes = [segmentor.training_box(img, draws.crop_box) for img in imgs]
    sizes = [len(img) for img in imgs]
    context = segmentor.extract_feat(segmentor.context_image(torch.cat(list(imgs))))
    detail = segmentor.extract_feat(torch.cat([
        segmentor.detail_crops(img, [box]) for img, box in zip(imgs, boxes)]))
    parts = zip(student.split_maps(context, sizes), student.split_maps(detail, sizes), boxes)
    return [HRDAFeatures(*maps, (box, )) for *maps, box in parts]


@student.inference_features.register(HRDAEncoderDecoder)
def hrda_inference_features(segmentor: HRDAEncoderDecoder, img: Tensor) -> HRDAFeatures:
    """Return the features of the context and of all detail crops."""
    return segmentor.inference_features(img)


@student.feature_image.register(HRDAEncoderDecoder)
def hrda_feature_image(segmentor: HRDAEncoderDecoder, img: Tensor) -> Tensor:
    """Return the down-scaled image: the feature distance compares the context."""
    return segmentor.context_image(img)


@student.compilable.register(HRDAEncoderDecoder)
def hrda_compilable(segmentor: HRDAEncoderDecoder) -> Sequence[nn.Module]:
    """Return the backbone: the head's work depends on the place of the crop."""
    return [segmentor.backbone]
