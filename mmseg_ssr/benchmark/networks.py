"""Single networks of an iteration as workloads, ours and those of other packages."""
from typing import Any, Callable, Dict, Optional, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..engine.build import build_test_model
from ..errors import ConfigError
from ..regularizer import FeatureRegularizer
from ..regularizer.feature_regularizer import default_heads
from ..streets.writer import SOURCE_TRAIN, draw_sample
from ..uda.update.teacher import EMATeacher
from .made_images import NORM
from .measure import SETTLED, Workload, flop_counter
from .methods import Size, method_config
from .peers import (
    MIT_ENCODERS,
    SAM_ENCODERS,
    UnfusedRegularizer,
    average_by_copies,
    average_in_place,
)

#: Number of channels and side of SAM's map.
CONTEXT = (256, 64)
ALPHA = 0.999


class Computation(Workload):
    """A function without arguments; its operations are counted, its last result is compared.

    Args:
        compute: returns a tensor. Its calls are timed.
        train: whether it needs gradients.
    """

    settling = SETTLED

    def __init__(self, compute: Callable[[], Tensor], train: bool = False):
        self.compute = compute
        self.train = train
        self.output: Optional[Tensor] = None

    def run(self) -> None:
        with torch.set_grad_enabled(self.train):
            self.output = self.compute()

    def warm_up(self) -> Dict[str, Any]:
        with flop_counter() as counter:
            self.run()
        return dict(flops=counter.get_total_flops())

    def finish(self) -> Dict[str, Any]:
        """Give the output as an array, which the JSON file leaves out."""
        return dict(output=self.output.detach().float().cpu().numpy())


def sam_encoding(device: torch.device, package: str, size: int, checkpoint: str, crop: int,
                 batch: int, encoder_args: Optional[Dict[str, Any]]) -> Computation:
    """Encode drawn images of ``crop`` pixels, resized to ``size``, with SAM's image encoder.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        network = SAM_ENCODERS[package](size, checkpoint, encoder_args)
    except ImportError as error:
        raise ConfigError(f'{package} is not installed ({error})') from error
    network = network.to(device).eval()
    img = drawn_images(batch, crop).to(device)

    def encode() -> Tensor:
        return network(F.interpolate(img, size=(size, size), mode='bilinear'))

    return Computation(encode)


def drawn_images(batch: int, crop: int) -> Tensor:
    """Images of Streets, B x 3 x crop x crop, normalized."""
    pictures = [draw_sample(SOURCE_TRAIN, i, (max(2 * crop, 64), max(crop, 32)))[0]
                for i in range(batch)]
    cut = np.stack([picture[:crop, crop // 2:crop // 2 + crop] for picture in pictures])
    return torch.from_numpy(
        (cut - np.array(NORM['mean'])) / np.array(NORM['std'])).float().permute(0, 3, 1, 2)


def mit_encoding(device: torch.device, package: str, name: str, crop: int, batch: int,
                 train: bool) -> Computation:
    """Run a MiT forward, or forward and backward."""
    network = MIT_ENCODERS[package](name).to(device).train(train)
    img = drawn_images(batch, crop).to(device)

    def encode() -> Tensor:
        features = network(img)
        if train:
            network.zero_grad()
            sum(feature.abs().mean() for feature in features).backward()
            return first_parameter(network).grad
        return features[-1]

    return Computation(encode, train)


def first_parameter(network: nn.Module) -> nn.Parameter:
    """The weights of the first layer that sees the image."""
    return next(p for p in network.parameters() if p.dim() == 4 and p.shape[1] == 3)


def regularizing(device: torch.device, fused: bool, channels: Sequence[int], crop: int,
                 batch: int, context: Sequence[int] = CONTEXT) -> Computation:
    """Run the four cross-attentions forward and backward on given features and SAM's map."""
    heads = default_heads(channels)
    torch.manual_seed(0)
    network = FeatureRegularizer(MapWidth(context[0]), channels, heads)
    if not fused:
        weights = network.state_dict()
        network = UnfusedRegularizer(channels, heads, context[0])
        network.load_state_dict(weights)
    network = network.to(device)
    random = torch.Generator().manual_seed(0)
    features = [torch.randn(batch, width, crop >> i, crop >> i, generator=random).to(
        device).requires_grad_() for i, width in enumerate(channels, 2)]
    sam_map = torch.randn(batch, context[0], context[1], context[1], generator=random).to(device)

    def regularize() -> Tensor:
        for tensor in [*features, *network.parameters()]:
            tensor.grad = None
        sum(enhanced.square().mean() for enhanced in network(features, sam_map)).backward()
        return features[0].grad

    return Computation(regularize, train=True)


class MapWidth(nn.Module):
    """A replacement of an encoder whose maps are given."""

    def __init__(self, out_channels: int):
        super().__init__()
        self.out_channels = out_channels


def averaging(device: torch.device, how: str, size: Size) -> Computation:
    """Update DAFormer's teacher once: ``own``, ``in place`` or ``by copies``."""
    torch.manual_seed(0)
    student = build_test_model(method_config('daformer', 'exact', size)).to(device)
    teacher = EMATeacher(student, ALPHA).to(device)
    teacher.updates = 10 ** 6  # past the first updates, which weigh the student more
    with torch.no_grad():
        for parameter in student.parameters():
            parameter += 1
    network = teacher.network
    updates = {
        'own': lambda: teacher.update(student),
        'in place': lambda: average_in_place(network, student, ALPHA),
        'by copies': lambda: average_by_copies(network, student, ALPHA),
    }

    def average() -> Tensor:
        updates[how]()
        return torch.stack([p.mean() for p in list(network.parameters())[:8]])

    return Computation(average)
