"""A trial of a config: its model and optimizer are built without data and without weights files.

So a dry run finds the faults that only building finds, and a start that lacks files tells them too.
"""
from contextlib import ExitStack, contextmanager
from typing import Any, Iterator, Mapping

import torch
from mmcv import Config
from torch import nn

from ...errors import ConfigError, MissingFile, Problems
from ...regularizer import FrozenNetwork, FrozenSAMEncoder, build
from ...regularizer.encoders import ENCODERS
from ...regularizer.sam_network import check_input
from ...uda.losses import feature_distance_keys, foundation_distance
from ...uda.views import pseudo_label
from ...utils.replaced import replaced
from ..build import construct
from ..checkpoint.pretrained import check_weight_files
from ..whole_image_maps import check as check_maps
from .optimizer import build_optimizer

#: Functions of ``torch.nn.init`` that draw weights, which takes most of the time of building.
DRAW = ('uniform_', 'normal_', 'trunc_normal_', 'xavier_uniform_', 'xavier_normal_',
        'kaiming_uniform_', 'kaiming_normal_')


def check_files(cfg: Config) -> None:
    """Check that the weights files of a training are there. If not, the config is tried as well.

    Raises:
        MissingFile: a file is missing.
        ConfigError: the config has faults, or names a download. A missing file is among the lines.
    """
    try:
        check_weight_files(cfg)
    except MissingFile as missing:
        try:
            check_building(cfg)
        except ConfigError as error:
            raise ConfigError(*error.problems, *missing.problems) from error
        raise


def check_building(cfg: Config) -> None:
    """Build the model and the optimizer of a training, with small stand-ins for frozen encoders.

    Raises:
        ConfigError: parts do not fit each other, or maps are not of the config's encoder.
    """
    problems = Problems()
    with _quick_building():
        model = problems.tried(construct, cfg, 0)
        if model is not None:
            problems.tried(build_optimizer, cfg, model)
    problems.tried(check_maps, cfg, False)
    problems.report()


class _StandIn(FrozenNetwork):
    """A frozen encoder of any kind. SAM's input is checked, of the others only the width counts."""

    out_channels = 8

    def __init__(self, config: Mapping[str, Any]):
        if ENCODERS.find(config) is FrozenSAMEncoder:
            check_input(**config)
        super().__init__(nn.Conv2d(3, self.out_channels, 16, 16))


@contextmanager
def _quick_building() -> Iterator[None]:
    with ExitStack() as stack, torch.random.fork_rng(devices=[]):
        stack.enter_context(replaced(
            nn.init, **{name: lambda tensor, *args, **options: tensor for name in DRAW}))
        for module in (build, feature_distance_keys, foundation_distance, pseudo_label):
            stack.enter_context(replaced(module, build_encoder=_StandIn))
        yield
