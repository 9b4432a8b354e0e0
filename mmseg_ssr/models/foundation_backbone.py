"""A foundation model of timm as a trained backbone: DINOv2, ConvNeXt, Hiera of SAM 2."""
from typing import Any, Dict, List, Optional, Sequence

from torch import Tensor
from torch.nn import functional as F

from ..errors import ConfigError
from ..host import BACKBONES
from ..regularizer.timm_network import TimmMaps, map_shapes
from ..utils.registration import register

#: Two image sizes that a backbone must take, multiples of the strides 14, 16 and 32.
PROBED = (224, 224), (224, 448)


@register(BACKBONES)
class FoundationBackbone(TimmMaps):
    """Backbone from images B x 3 x H x W to one map per chosen layer of a timm network.

    A plain ViT (DINOv2, DINOv3, SAM) has one resolution: use its last map with ``UpscaleHead``, or
    with the neck ``SimpleFeaturePyramid`` and any head. ConvNeXt, Hiera and their like give their
    four stages to any head.

    Images are resized (bilinear, corners not aligned) to the nearest multiple of the patch, or of
    the largest stride: 512 pixels become 518 for patches of 14. Padding would shift the maps
    against the label, while heads and losses assume that both cover the same area.

    Args:
        model: name in timm, such as 'vit_base_patch14_dinov2.lvd142m'.
        layers: indices of the blocks (ViT) or stages (others), ascending. Negative ones count from
            the end.
        norm: whether to normalize every map over channels, a ViT by the network's own last norm,
            others by a layer norm for every map.
        input_scale: factor by which images are resized first (VFM-UDA: 1.1, 1024 -> 1120 pixels).
        drop_path_rate: stochastic depth of the last block, growing linearly from 0.
        with_cp: gradient checkpointing, which saves memory for a second forward pass of each block.
        pretrained: file of the weights, as published or in timm's format (``.safetensors``); None
            starts from scratch. Nothing is ever downloaded.
        init_cfg: the same in mmcv's form, ``dict(type='Pretrained', checkpoint=FILE)``.
        model_args: further arguments of the network in timm.

    Attributes:
        stride: sides of images are resized to multiples of this number of pixels.
        channels: width of each map.

    Raises:
        ConfigError: a model, layer or argument is unknown, the network takes images of one size
            only, or both pretrained and init_cfg are given.
    """

    def __init__(self,
                 model: str,
                 layers: Sequence[int] = (-1, ),
                 norm: bool = True,
                 input_scale: float = 1.,
                 drop_path_rate: float = 0.,
                 with_cp: bool = False,
                 pretrained: Optional[str] = None,
                 init_cfg: Optional[dict] = None,
                 model_args: Optional[Dict[str, Any]] = None):
        if pretrained is not None and init_cfg is not None:
            raise ConfigError('backbone: give pretrained or init_cfg, not both')
        args = dict(model_args or {})
        if drop_path_rate:
            args['drop_path_rate'] = drop_path_rate
        settings = dict(model=model, layers=layers, norm=norm, img_size=PROBED[0], model_args=args)
        super().__init__(checkpoint=None, **settings)
        self._settings = settings
        self._check_other_size()
        self.channels = tuple(shape[1] for shape in self.shapes)
        self.input_scale = input_scale
        self.pretrained = pretrained or (init_cfg or {}).get('checkpoint')
        self.timm_model.set_grad_checkpointing(with_cp)

    def init_weights(self) -> None:
        """Load the pretrained weights. Without them, keep those of the construction.

        Raises:
            MissingFile, CheckpointError: the weights file is missing or belongs to another network.
        """
        if self.pretrained is not None:
            published = TimmMaps(checkpoint=self.pretrained, **self._settings)
            self.load_state_dict(published.state_dict())

    def forward(self, img: Tensor) -> List[Tensor]:
        """Resize images B x 3 x H x W and return one map per chosen layer."""
        size = [max(1, round(side * self.input_scale / self.stride)) * self.stride
                for side in img.shape[2:]]
        if list(img.shape[2:]) != size:
            img = F.interpolate(img, size, mode='bilinear', align_corners=False)
        return super().forward(img)

    def _check_other_size(self) -> None:
        try:
            map_shapes(self.timm_model, PROBED[1], self.layers)
        except Exception as error:  # families refuse images in different ways
            raise ConfigError(
                f'backbone: {self._settings["model"]} takes images of one size only, but crops '
                'and test images differ: use a ViT, ConvNeXt, Swin or Hiera of SAM 2 '
                '(sam2_hiera_*)') from error
