"""Inference options of a trained segmentor: precision, compilation, several windows at once.

The options are keys of ``test_cfg``, beside mmseg's own: ``amp``, ``compile``, ``batched_slide``,
``average`` and ``logit_shift``. mmseg's own test script reads only ``batched_slide`` and
``average``, for the segmentors of this package.
"""
import functools
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

import numpy as np
import torch
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn

from ...errors import ConfigError
from ...host import logger
from ...methods import UDASegmentor
from ...models.slide import averages_probabilities, slide_inference
from ...uda.student import compilable, first_and_last, full_precision
from ...uda.update.optimization import PRECISIONS
from ...utils.device import slower_line
from ...utils.replaced import replaced
from ..config.inference import check_test_cfg


@contextmanager
def inference_options(segmentor: nn.Module) -> Iterator[None]:
    """Let ``segmentor`` predict as its ``test_cfg`` says inside the block, and as before after it.

    * ``amp=dict(dtype='bfloat16')`` or ``'float16'`` runs the network in mixed precision. The
      layers that see the image itself and those that give the logits keep full precision. The 8
      bits of an image have more steps than bfloat16. Where 16 bits are slower
      (:func:`~mmseg_ssr.utils.device.slower_line`), float32 is used, and the log says so.
    * ``compile=True`` compiles the network, for each image size on its own.
    * ``logit_shift=[...]`` adds a number for each class to its logits, see :mod:`.label_shift`.
    * ``batched_slide=N`` and ``average='probability'``: see
      :func:`~mmseg_ssr.models.slide.slide_inference`.

    A method takes the options of its student. A model without ``test_cfg`` is left alone. So is a
    model whose options an outer block has set.

    Raises:
        ConfigError: see :func:`~mmseg_ssr.engine.config.inference.check_test_cfg`.
    """
    network = plain_segmentor(segmentor)
    test_cfg = getattr(network, 'test_cfg', None) or {}
    check_test_cfg(test_cfg)
    if not test_cfg or getattr(network, 'has_inference_options', False):
        yield
        return
    with ExitStack() as stack:
        def replace(module: nn.Module, **functions: Any) -> None:
            stack.enter_context(replaced(module, **functions))

        replace(network, has_inference_options=True)
        if test_cfg.get('compile'):
            for part in compilable(network):
                replace(part, forward=torch.compile(part.forward, dynamic=False))
        if test_cfg.get('amp'):
            dtype = PRECISIONS[test_cfg['amp']['dtype']]
            replace(network, encode_decode=_autocast(network.encode_decode, dtype),
                    _decode_head_forward_test=_in_full_precision(
                        network._decode_head_forward_test))
            for part in first_and_last(network):
                replace(part, forward=_without_autocast(part.forward))
        if test_cfg.get('logit_shift'):
            replace(network, encode_decode=_shifted(
                network.encode_decode, test_cfg['logit_shift']))
        own_windows = test_cfg.get('batched_slide') or averages_probabilities(test_cfg)
        if own_windows and _is_mmsegs(network, 'slide_inference'):
            replace(network, slide_inference=functools.partial(slide_inference, network))
        yield


def predict_labels(segmentor: nn.Module, img: List[Tensor],
                   img_metas: List[List[Dict[str, Any]]]) -> Tensor:
    """Return the classes that ``segmentor(return_loss=False, ...)`` predicts, on the device.

    The softmax is left out, because it does not change which class is the largest.

    Args:
        segmentor: a segmentor or a method.
        img: one batch of images B x 3 x H x W, or several for ``--aug-test``.
        img_metas: a list for each batch, as mmseg's pipelines give it.

    Returns:
        Integers B x H' x W', at the size of the original images.
    """
    network = plain_segmentor(segmentor)
    if len(img) > 1 or img_metas[0][0].get('flip') or not takes_largest_logit(network):
        labels = segmentor(img=img, img_metas=img_metas, return_loss=False)
        return torch.from_numpy(np.stack(labels))
    slide = network.test_cfg.get('mode') == 'slide'
    infer = network.slide_inference if slide else network.whole_inference
    return infer(img[0], img_metas[0], True).max(1).indices


def plain_segmentor(segmentor: nn.Module) -> nn.Module:
    """Return the network that predicts: a method's student, or the segmentor itself."""
    return segmentor.model if isinstance(segmentor, UDASegmentor) else segmentor


def takes_largest_logit(segmentor: nn.Module) -> bool:
    """Whether the segmentor predicts as mmseg's ``EncoderDecoder`` does, with a logit per class."""
    own = [name for name in ('forward', 'forward_test', 'simple_test', 'inference')
           if not _is_mmsegs(segmentor, name)]
    return not own and getattr(segmentor, 'out_channels', segmentor.num_classes) > 1


def _is_mmsegs(segmentor: nn.Module, name: str) -> bool:
    """Whether the segmentor has this method unchanged from mmseg's ``EncoderDecoder``."""
    return getattr(type(segmentor), name, None) is getattr(EncoderDecoder, name)


def _autocast(function: Callable, dtype: torch.dtype) -> Callable:
    def run(img: Tensor, img_metas: Optional[list]) -> Tensor:
        with torch.autocast(img.device.type, dtype, enabled=pays(dtype, img.device)):
            return function(img, img_metas)

    return run


def pays(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether a type of 16 bits is worth its use in inference. If not, the log says so, once."""
    line = slower_line(dtype, device)
    if line:
        warn_once(f'{line}: inference uses float32')
    return not line


@functools.cache
def warn_once(line: str) -> None:
    logger().warning(line)


def _without_autocast(function: Callable) -> Callable:
    def run(value: Tensor) -> Any:
        with torch.autocast(value.device.type, enabled=False):
            return function(full_precision(value))

    return run


def _shifted(function: Callable, shift: Sequence[float]) -> Callable:
    def run(img: Tensor, img_metas: Optional[list]) -> Tensor:
        logits = function(img, img_metas)
        if logits.shape[1] != len(shift):
            raise ConfigError('test_cfg.logit_shift must have a number for each of the '
                              f'{logits.shape[1]} classes, got {len(shift)}')
        return logits + logits.new_tensor(shift).view(1, -1, 1, 1)

    return run


def _in_full_precision(function: Callable) -> Callable:
    return lambda features, img_metas: full_precision(function(features, img_metas))
