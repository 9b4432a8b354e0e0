"""Other programs than torch that run the ONNX file of an export."""
import os
import tempfile
from importlib import import_module
from typing import Any, Callable, Dict, Mapping, Optional

import torch
from torch import Tensor, nn

from ..utils.atomic_file import write_atomic
from .formats import FORMATS, Job, Run, Size, read_onnx
from .graph import Deployed


def _read_openvino(path: str, threads: int, bfloat16: bool) -> Run:
    compiled = import_module('openvino').Core().compile_model(path, 'CPU', dict(
        PERFORMANCE_HINT='LATENCY', INFERENCE_NUM_THREADS=threads,
        INFERENCE_PRECISION_HINT='bf16' if bfloat16 else 'f32'))
    return lambda image: torch.from_numpy(compiled(image.numpy(), share_outputs=False)[0])


#: ``read(path, threads, bfloat16)`` gives the model in an ONNX file as a function from images to
#: logits, by the name of the program's package.
RUNTIMES: Dict[str, Callable[[str, int, bool], Run]] = {
    'onnxruntime': lambda path, threads, bfloat16: read_onnx(path, threads),
    'openvino': _read_openvino,
}


def exported(network: nn.Module, normalization: Mapping[str, Any], size: Size, runtime: str,
             bfloat16: bool) -> Callable[[Tensor, Optional[list]], Tensor]:
    """Export a network, and return the replacement of its ``encode_decode`` by another program.

    The file lies in a temporary folder and takes one image of one size, in 0..255.

    Args:
        network: a segmentor in eval mode, on the CPU.
        normalization: see :class:`.graph.Deployed`. The images of ``encode_decode`` have it,
            in RGB.
        size: (height, width) of images.
        runtime: name in :data:`RUNTIMES`. It gets as many threads as torch has.
        bfloat16: whether it may compute in bfloat16. onnxruntime does not.

    Raises:
        UserError: a package is missing.
    """
    deployed = Deployed(network, normalization).eval()
    mean, std = deployed.mean, deployed.std
    content = FORMATS['onnx'].encode(Job(None, deployed, torch.zeros(1, 3, *size)), False)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, FORMATS['onnx'].file)
        write_atomic(path, content)
        run = RUNTIMES[runtime](path, torch.get_num_threads(), bfloat16)

    def encode_decode(img: Tensor, img_metas: Optional[list]) -> Tensor:
        return torch.cat([run(image) for image in (img * std + mean).split(1)])

    return encode_decode
