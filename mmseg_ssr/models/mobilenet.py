"""MobileNetV2 (arXiv 1801.04381) as a backbone of four stages: a student for CPUs."""
from ..errors import CheckpointError
from ..host import BACKBONES, MobileNetV2
from ..utils.registration import register
from ..weights import check_values, read_weights
from ..weights.mobilenet_layouts import mmseg_layout


@register(BACKBONES)
class mobilenet_v2(MobileNetV2):
    """mmseg's MobileNetV2, which also starts from torchvision's file of ImageNet weights.

    By default it gives maps of strides 4, 8, 16 and 32 with 24, 32, 96 and 320 channels. The
    options are mmseg's. ``pretrained`` names a file of torchvision or OpenMMLab.
    """

    def train(self, mode: bool = True) -> 'mobilenet_v2':
        """Set the mode as mmseg does, and return the network as torch does."""
        super().train(mode)
        return self

    def init_weights(self) -> None:
        """Initialize as mmseg does, or load the pretrained weights.

        Raises:
            MissingFile, CheckpointError: the weights file is missing or belongs to another network.
        """
        if not isinstance(self.init_cfg, dict) or self.init_cfg.get('type') != 'Pretrained':
            super().init_weights()
            return
        file = self.init_cfg['checkpoint']
        weights = mmseg_layout(read_weights(file))
        try:
            missing, _ = self.load_state_dict(weights, strict=False)
        except RuntimeError as error:
            raise CheckpointError(f'{file} belongs to another network: its shapes differ from '
                                  'those of MobileNetV2; give the file of this width') from error
        if missing:
            raise CheckpointError(f'{file} is no file of ImageNet weights for MobileNetV2: '
                                  f'{len(missing)} weights are not in it, the first is '
                                  f'{missing[0]}: mmseg-ssr weights mobilenet_v2 fetches it')
        check_values(weights, self.state_dict(), file)
