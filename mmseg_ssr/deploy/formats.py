"""The export formats: how to encode each, and how to run the written file."""
import contextlib
import io
import logging
import warnings
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from ..engine.config.saved import config_text
from ..errors import UserError, said
from ..utils.optional import required
from ..utils.versions import release
from ..weights import safetensors_file
from ..weights.plain import plain
from .graph import Deployed, traceable
from .model_file import ModelFile, build_network, read_model
from .preparation import normalization

#: Entries of the training's ``meta`` that an exported checkpoint keeps.
META = ('iter', 'seed', 'exp_name', 'mmseg_version')
OPSET = 18
OLDEST_TORCH = (2, 6)
Run = Callable[[Tensor], Tensor]
Size = Tuple[int, int]


class Job:
    """A model to be exported.

    Args:
        model: the file that the model was read from.
        deployed: the model's network.
        example: an image 1 x 3 x H x W, for tracing.
    """

    def __init__(self, model: ModelFile, deployed: Deployed, example: Tensor):
        self.model, self.deployed, self.example = model, deployed, example
        self._programs: Dict[bool, Any] = {}

    def program(self, dynamic: bool) -> Any:
        """Export the network with ``torch.export``, once.

        Args:
            dynamic: export for any H and W, else for those of the example.

        Raises:
            UserError: torch is too old.
        """
        if release(torch.__version__) < OLDEST_TORCH:
            raise UserError(f'torch.export and ONNX need torch {".".join(map(str, OLDEST_TORCH))} '
                            f'or later, found {torch.__version__}')
        if dynamic not in self._programs:
            sides = dict.fromkeys((2, 3), torch.export.Dim.DYNAMIC)
            # a copy: a failed export leaves its marks of dynamic sides on the tensor
            self._programs[dynamic] = torch.export.export(
                traceable(self.deployed), (self.example.clone(), ), strict=False,
                dynamic_shapes=(sides, ) if dynamic else None)
        return self._programs[dynamic]


class Format(NamedTuple):
    """One way to write a model.

    Attributes:
        file: name of the file.
        encode: ``encode(job, dynamic)`` gives the content of the file; dynamic: for any H and W,
            else for the example's. On a full disk, some writers of torch end the process.
        read: ``read(path)`` gives the written model as a function from images to logits.
        purpose: use of the format, for the model card.
        traced: whether it is a graph traced on one example, which may be bound to its size.
    """
    file: str
    encode: Callable[[Job, bool], bytes]
    read: Callable[[str], Run]
    purpose: str
    traced: bool = True


class Exported(NamedTuple):
    """One written file.

    Attributes:
        format: name of its format in :data:`FORMATS`.
        path, bytes: path and size of the file.
        sizes: (H, W) of the images on which it was run and compared.
        difference: largest difference between its logits and the network's.
        fixed_size: the only (H, W) that it accepts, None for any.
        reason: why it accepts no other size.
    """
    format: str
    path: str
    bytes: int
    sizes: List[Size]
    difference: float
    fixed_size: Optional[Size] = None
    reason: str = ''


def exported_meta(job: Job) -> Dict[str, Any]:
    """Config, classes and origin of the training, for programs that predict."""
    from .. import __version__
    network = job.deployed.network
    return dict({key: job.model.meta[key] for key in META if key in job.model.meta},
                config=config_text(job.model.cfg), CLASSES=tuple(network.CLASSES),
                PALETTE=[list(color) for color in network.PALETTE],
                exported_with=f'mmseg_ssr {__version__}')


def _encode_pth(job: Job, dynamic: bool) -> bytes:
    content = dict(meta=exported_meta(job), state_dict=job.deployed.network.state_dict())
    file = io.BytesIO()
    torch.save(plain(content), file)
    return file.getvalue()


def _encode_safetensors(job: Job, dynamic: bool) -> bytes:
    return safetensors_file.encode(job.deployed.network.state_dict(), exported_meta(job))


def _read_weights(path: str) -> Run:
    model = read_model(path)
    return Deployed(build_network(model), normalization(model.cfg)).eval()


def _encode_torchscript(job: Job, dynamic: bool) -> bytes:
    with quiet_exporters():
        traced = torch.jit.trace(traceable(job.deployed), job.example, check_trace=False)
        file = io.BytesIO()
        torch.jit.save(traced, file)
    return file.getvalue()


def _read_torchscript(path: str) -> Run:
    with quiet_exporters():
        return torch.jit.load(path)


def _encode_torch_export(job: Job, dynamic: bool) -> bytes:
    with quiet_exporters():
        file = io.BytesIO()
        torch.export.save(job.program(dynamic), file)
    return file.getvalue()


def _read_torch_export(path: str) -> Run:
    with quiet_exporters():
        return torch.export.load(path).module()


def _encode_onnx(job: Job, dynamic: bool) -> bytes:
    for package in ('onnx', 'onnxscript', 'onnxruntime'):
        required(package, 'ONNX')
    with quiet_exporters():
        program = torch.onnx.export(
            job.program(dynamic), (job.example, ), input_names=['image'], output_names=['logits'],
            opset_version=OPSET, dynamo=True, external_data=False, verbose=False)
    return program.model_proto.SerializeToString()


def read_onnx(path: str, threads: int = 0) -> Run:
    """Return a model in an ONNX file as a function from images to logits.

    Args:
        threads: number of threads of onnxruntime. 0 takes one for each core.

    Raises:
        UserError: onnxruntime is not installed.
    """
    runtime = required('onnxruntime', 'checking ONNX')

    def run(image: Tensor) -> Tensor:
        try:
            return torch.from_numpy(session.run(None, dict(image=image.numpy()))[0])
        except Exception as error:  # its own classes of errors derive from Exception alone
            raise RuntimeError(said(error)) from error

    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    return run


#: The formats by name, as ``mmseg-ssr export`` takes them.
FORMATS: Dict[str, Format] = {
    'mmseg': Format('model.pth', _encode_pth, _read_weights,
                    "plain mmseg checkpoint: mmseg's and this package's test scripts, "
                    '`mmseg_ssr.load`', traced=False),
    'safetensors': Format(f'model{safetensors_file.SUFFIX}', _encode_safetensors, _read_weights,
                          'the same weights in a file that cannot hold code, `mmseg_ssr.load`',
                          traced=False),
    'torchscript': Format('model.torchscript', _encode_torchscript, _read_torchscript,
                          '`torch.jit.load`, Python or C++'),
    'torch_export': Format('model.pt2', _encode_torch_export, _read_torch_export,
                           '`torch.export.load`, to compile ahead of time'),
    'onnx': Format('model.onnx', _encode_onnx, read_onnx, 'onnxruntime and other ONNX programs'),
}


@contextlib.contextmanager
def quiet_exporters() -> Iterator[None]:
    """Silence tracers' warnings about shapes: each exported graph is run and compared."""
    loggers = [logging.getLogger(name) for name in ('torch.onnx', 'torch.export', 'onnxscript')]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels):
                logger.setLevel(level)
