"""Other programs than torch that run the ONNX file of ``mmseg-ssr export``."""
import os
import tempfile
from importlib import import_module
from importlib.util import find_spec
from typing import Callable, Dict, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from ..deploy.formats import FORMATS, Job, Run, read_onnx
from ..deploy.graph import Deployed
from ..errors import ConfigError, UserError
from .made_images import NORM


class Runtime(NamedTuple):
    """A program that runs ONNX files.

    Attributes:
        read: ``read(path, threads, bfloat16)`` gives the written model as a function from images
            to logits.
        goes_with: other modes that it may be measured in.
    """
    read: Callable[[str, int, bool], Run]
    goes_with: Sequence[str]


def _read_openvino(path: str, threads: int, bfloat16: bool) -> Run:
    compiled = import_module('openvino').Core().compile_model(path, 'CPU', dict(
        PERFORMANCE_HINT='LATENCY', INFERENCE_NUM_THREADS=threads,
        INFERENCE_PRECISION_HINT='bf16' if bfloat16 else 'f32'))
    return lambda image: torch.from_numpy(compiled(image.numpy(), share_outputs=False)[0])


#: Programs by the names of their packages, which are the names of the modes.
RUNTIMES: Dict[str, Runtime] = {
    'onnxruntime': Runtime(lambda path, threads, bfloat16: read_onnx(path, threads),
                           ('batched', 'one_by_one')),
    'openvino': Runtime(_read_openvino, ('batched', 'one_by_one', 'bf16')),
}


def runtime_of(mode: str) -> Optional[str]:
    """Return the program that a mode asks for, or None.

    Args:
        mode: names of modes joined by ``+``.

    Raises:
        ConfigError: the program cannot be measured in one of the other modes.
        UserError: it is not installed.
    """
    names = mode.split('+')
    for runtime in [name for name in names if name in RUNTIMES]:
        others = [name for name in names if name not in (runtime, *RUNTIMES[runtime].goes_with)]
        if others:
            raise ConfigError(f'{runtime} does not go together with {", ".join(others)}')
        if find_spec(runtime) is None:
            raise UserError(f'{runtime} is not installed: pip install {runtime}')
        return runtime
    return None


def exported(network: nn.Module, size: Tuple[int, int], runtime: str, bfloat16: bool
             ) -> Callable[[Tensor, Optional[list]], Tensor]:
    """Export a network, and return the replacement of its ``encode_decode`` by another program.

    The file lies in a temporary folder and takes one image of one size, in 0..255.

    Args:
        network: a segmentor in eval mode, on the CPU.
        size: (height, width) of images.
        runtime: name in :data:`RUNTIMES`. It gets as many threads as torch has.
        bfloat16: whether it may compute in bfloat16.
    """
    deployed = Deployed(network, NORM).eval()
    mean, std = deployed.mean, deployed.std
    content = FORMATS['onnx'].encode(Job(None, deployed, torch.zeros(1, 3, *size)), False)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, FORMATS['onnx'].file)
        with open(path, 'wb') as file:
            file.write(content)
        run = RUNTIMES[runtime].read(path, torch.get_num_threads(), bfloat16)

    def encode_decode(img: Tensor, img_metas: Optional[list]) -> Tensor:
        return torch.cat([run(image) for image in (img * std + mean).split(1)])

    return encode_decode
