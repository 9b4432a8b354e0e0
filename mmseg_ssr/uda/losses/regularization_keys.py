"""The keys of SSR: the frozen encoder, the stages, and the weight of the regularization branch."""
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence

from torch import nn

from ...errors import ConfigError
from ...regularizer import FeatureRegularizer, build_regularizer
from ..keys import KeyGroup, key

#: Default files of the published SAM weights by the name in ``sam_model_registry``.
SAM_CHECKPOINTS = {
    'vit_b': 'pretrained/sam_vit_b_01ec64.pth',
    'vit_l': 'pretrained/sam_vit_l_0b3195.pth',
    'vit_h': 'pretrained/sam_vit_h_4b8939.pth',
    'vit_t': 'pretrained/mobile_sam.pt',
}


def encoder_config(uda: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
    """Return the config of SSR's encoder that the keys of ``uda`` give, or None without one."""
    name = uda.get('sam_model_registry')
    if name is None:
        return (uda.get('regularizer') or {}).get('encoder')
    return dict(variant=name, checkpoint=uda.get('sam_checkpoint') or SAM_CHECKPOINTS[name])


@dataclass(frozen=True)
class RegularizationKeys(KeyGroup):
    """Keys of SSR's regularization branch."""

    sam_model_registry: Optional[str] = key(
        None, "'vit_b', 'vit_l' or 'vit_h' switches SSR on with the published SAM, 'vit_t' with "
        'MobileSAM.',
        choices=tuple(SAM_CHECKPOINTS))
    stop_stage: Optional[Sequence[int]] = key(
        None, 'Stages that SSR enhances, by default all four. It sets `regularizer.stages`.')
    sam_checkpoint: Optional[str] = key(
        None, 'File of the SAM weights for `sam_model_registry`, by default its published name in '
        '`pretrained/`.')
    regularizer: Optional[Dict[str, Any]] = key(
        None, 'Settings of SSR with any encoder, instead of `sam_model_registry`.')
    regularizer_weight: float = key(
        1., 'Weight of the losses of the regularization branch, 1 in the paper.', least=0)
    distillation_weight: float = key(
        0., 'Weight of a loss by which the shadow branch learns the probabilities of the '
        'regularization branch on the mixed view. 0 is off, as in the paper.', least=0)
    mixed_maps: str = key(
        'encoded', "Frozen encoder's map of the mixed image: 'encoded', as published, or "
        "'composed' from the maps of its source and its target image. This saves a pass of the "
        "encoder with `pseudo_label_branch='regularized'`.", choices=('encoded', 'composed'))
    running_statistics: str = key(
        'both', "Branches that update the running statistics of the decode head's batch norms: "
        "'both', as published, or 'shadow', which is the branch that is tested. The choice matters "
        'more the further the features of the two branches lie apart.',
        choices=('both', 'shadow'))

    def check(self) -> None:
        for name in ('stop_stage', 'sam_checkpoint'):
            if not self.is_on and getattr(self, name) is not None:
                raise ConfigError(f'uda.{name} belongs to SSR, which is off: give '
                                  'sam_model_registry or regularizer as well, or remove it')
        if self.distillation_weight > 0 and not self.is_on:
            raise ConfigError("uda.distillation_weight needs SSR's regularizer (type='SSR'), which "
                              'teaches the shadow branch: set it to 0')
        if self.distillation_weight > 0 and self.regularizer_weight == 0:
            raise ConfigError('uda.distillation_weight needs a regularization branch that learns: '
                              'set uda.regularizer_weight above 0, or distillation_weight to 0')
        if self.mixed_maps == 'composed' and not self.is_on:
            raise ConfigError("uda.mixed_maps='composed' needs SSR's regularizer (type='SSR'): set "
                              "it to 'encoded'")
        if self.running_statistics == 'shadow' and not self.is_on:
            raise ConfigError("uda.running_statistics='shadow' needs SSR's regularizer "
                              "(type='SSR'), without it there is one branch: set it to 'both'")
        if self.regularizer is None:
            return
        if self.sam_model_registry is not None:
            raise ConfigError('uda: give sam_model_registry or regularizer, not both')
        if self.sam_checkpoint is not None:
            raise ConfigError('uda.sam_checkpoint goes with sam_model_registry; with regularizer '
                              'the file is regularizer.encoder.checkpoint')
        if self.stop_stage is not None and 'stages' in self.regularizer:
            raise ConfigError('uda: give stop_stage or regularizer.stages, not both')

    def check_without_mixed_view(self) -> None:
        """Check what a method without a mixed view cannot have."""
        if self.distillation_weight > 0:
            raise ConfigError('uda.distillation_weight is for the mixed view, which this method '
                              'does not make: set it to 0')
        if self.mixed_maps == 'composed':
            raise ConfigError("uda.mixed_maps='composed' is for the mixed view, which this method "
                              "does not make: set it to 'encoded'")

    @property
    def is_on(self) -> bool:
        """Whether there is a regularization branch."""
        return self.sam_model_registry is not None or self.regularizer is not None

    def build(self, student: nn.Module) -> Optional[FeatureRegularizer]:
        """Build the branch for the student, with SAM or with the configured encoder."""
        if not self.is_on:
            return None
        options = dict(self.regularizer or {}, encoder=encoder_config(vars(self)))
        if self.stop_stage is not None:
            options['stages'] = self.stop_stage
        return build_regularizer(student, **options)
