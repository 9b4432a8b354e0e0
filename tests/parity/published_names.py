"""From the names of this code to those of the published one."""
import re
from typing import Dict, Mapping

from torch import Tensor, nn

STUDENT = 'model.'
TEACHER = 'ema_model.'
IMAGENET = 'imnet_model.backbone.'
MASKED_TEACHER = 'mic.teacher.ema_model.'
SAM = 'predictor.'
REGULARIZER = 'regularizer.'


def regularizer_name(name: str) -> str:
    """``projections.0.weight`` -> ``embedding_layer.0.proj.weight``, attentions likewise."""
    name = re.sub(r'^projections\.(\d+)\.', r'embedding_layer.\1.proj.', name)
    return re.sub(r'^attentions\.', 'fusion_layer.', name)


def parameter_name(name: str) -> str:
    """A parameter of a method, or of a plain segmentor, as the published checkpoint calls it."""
    if name.startswith(REGULARIZER):
        return regularizer_name(name[len(REGULARIZER):])
    return name if name.startswith(STUDENT) else STUDENT + name


def named_networks(model: nn.Module) -> Dict[str, nn.Module]:
    """The networks of a method (or the plain segmentor) by the prefix of their published names."""
    networks = {STUDENT: getattr(model, 'model', model)}
    if getattr(model, 'teacher', None) is not None:
        networks[TEACHER] = model.teacher.network
    for maker in getattr(model, 'view_makers', ()):
        if maker.teacher is not None:
            networks[MASKED_TEACHER] = maker.teacher.network
    if getattr(model, 'feature_distance', None) is not None:
        networks[IMAGENET] = model.feature_distance.imagenet.network
    if getattr(model, 'regularizer', None) is not None:
        networks[SAM] = model.regularizer.encoder.network
    return networks


def log_name(name: str) -> str:
    """mmseg 0.30 logs ``loss_ce`` where the published code's mmseg logs ``loss_seg``."""
    return re.sub(r'loss_ce$', 'loss_seg', name)


def loss_value(losses: Mapping[str, Tensor]) -> Tensor:
    """The one loss of a head."""
    (value, ) = (value for name, value in losses.items() if 'loss' in name)
    return value
