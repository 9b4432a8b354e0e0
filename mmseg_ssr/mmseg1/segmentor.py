"""The self-training step as a segmentor of mmseg 1.x, for mmengine's runner."""
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmseg.models.segmentors import BaseSegmentor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.nn import functional as F

from ..domains.target_pipeline import MASK
from ..errors import ConfigError, explained
from ..host import in_its_words, labels_of
from ..uda.segmentor import StudentSegmentor
from ..uda.views.view import Batch


class UDASegmentor(StudentSegmentor, BaseSegmentor):
    """The side of mmseg 1.x: data samples in, log values out. The student alone infers.

    Args:
        student: segmentor of mmseg 1.x.
        data_preprocessor: config or module that normalizes the images of both domains, such as a
            ``SegDataPreProcessor``. None takes the student's.
        parts: arguments of :class:`~mmseg_ssr.uda.self_training.SelfTraining`.

    Attributes:
        saves_state: whether checkpoints get the training state. :class:`.TrainingStateHook` sets
            it.
    """

    def __init__(self, student: nn.Module,
                 data_preprocessor: Union[Mapping[str, Any], nn.Module, None] = None, **parts: Any):
        super().__init__(student, **parts)
        if data_preprocessor is None:
            data_preprocessor = student.data_preprocessor
        elif not isinstance(data_preprocessor, nn.Module):
            data_preprocessor = MODELS.build(data_preprocessor)
        self.data_preprocessor = data_preprocessor
        self.saves_state = False

    @property
    def align_corners(self) -> bool:
        """Whether the student's logits are resized with aligned corners."""
        return self.model.align_corners

    @property
    def decode_head(self) -> nn.Module:
        """The student's head."""
        return self.model.decode_head

    @property
    def out_channels(self) -> int:
        """Number of channels of the student's logits, which mmseg's ``SegTTAModel`` asks for."""
        return self.model.out_channels

    def train_step(self, data: Dict[str, Any], optim_wrapper: OptimWrapper) -> Dict[str, Any]:
        """Run one iteration with its backward passes and the optimizer's step.

        Args:
            data: ``inputs`` and ``data_samples`` of the source. Methods that use target images need
                ``target`` as well, with the same keys.
            optim_wrapper: a plain ``OptimWrapper``.

        Raises:
            ConfigError: the training has no :class:`.TrainingStateHook`, the optimizer has options
                that are keys of the method, or the data has no target images.
        """
        check_optimizer(optim_wrapper)
        if not self.saves_state:
            raise ConfigError('checkpoints would lack the teacher and all else that a resumed '
                              "training needs: add custom_hooks=[dict(type='TrainingStateHook')]")
        batch = self.batch(data)
        with explained(in_its_words):
            return self.step(batch, optim_wrapper)

    def batch(self, data: Mapping[str, Any]) -> Batch:
        """Return the normalized images and labels of both domains.

        Raises:
            ConfigError: there is no target, its images have another size than the source's, or
            ``data_preprocessor`` makes no batches.
        """
        source = self._prepared(data)
        target = self._prepared(data['target']) if 'target' in data else {}
        img = source['inputs']
        if target and target['inputs'].shape != img.shape:
            raise ConfigError(
                'train_dataloader.dataset gives source images of '
                f'{tuple(img.shape[2:])} pixels and target images of '
                f"{tuple(target['inputs'].shape[2:])}: end both pipelines with a RandomCrop of the "
                'same crop_size, which is the size of model.data_preprocessor too')
        mean, std = (getattr(self.data_preprocessor, name, default) for name, default in
                     (('mean', img.new_zeros(3)), ('std', img.new_ones(3))))
        batch = Batch(img, labels_of(source['data_samples']), mean.view(1, 3, 1, 1),
                      std.view(1, 3, 1, 1), target.get('inputs'),
                      _valid_mask(target.get('data_samples', ()), img.shape[2:]))
        with explained(in_its_words):
            return self.checked(batch, 'train_dataloader.dataset')

    def _prepared(self, data: Mapping[str, Any]) -> Dict[str, Any]:
        sizes = [getattr(self.data_preprocessor, name, 0) for name in ('size', 'size_divisor')]
        prepared = dict(inputs=None) if sizes == [None, None] else self.data_preprocessor(
            dict(inputs=data['inputs'], data_samples=data['data_samples']), True)
        if not isinstance(prepared['inputs'], Tensor):
            raise ConfigError("model.data_preprocessor makes no batches: give dict(type='SegData"
                              "PreProcessor', mean=..., std=..., bgr_to_rgb=True, size=CROP_SIZE)")
        return prepared

    def loss(self, inputs: Tensor, data_samples: Sequence[SegDataSample]) -> Dict[str, Tensor]:
        """Refuse to give losses: a method makes several backward passes by itself.

        Raises:
            ConfigError: always.
        """
        raise ConfigError('a method trains by train_step() alone, its losses cannot be had: with '
                          "several processes set model_wrapper_cfg=dict(type='SelfTrainingParallel'"
                          ')')

    def predict(self, inputs: Tensor,
                data_samples: Optional[List[SegDataSample]] = None) -> List[SegDataSample]:
        """Return the student's predictions of images B x 3 x H x W."""
        return self.model.predict(inputs, data_samples)

    def _forward(self, inputs: Tensor,
                 data_samples: Optional[List[SegDataSample]] = None) -> Any:
        return self.model._forward(inputs, data_samples)


def _valid_mask(samples: Sequence[SegDataSample], size: Sequence[int]) -> Optional[Tensor]:
    """Return the masks of target samples, B x 1 x H x W, 0 in padding. None if they have none."""
    if not samples or MASK not in samples[0]:
        return None
    masks = [sample.get(MASK).data for sample in samples]
    return torch.stack([F.pad(mask, (0, size[1] - mask.shape[2], 0, size[0] - mask.shape[1]))
                        for mask in masks])


def check_optimizer(optim_wrapper: OptimWrapper) -> None:
    """Raise a :class:`ConfigError` for options of the optimizer that a method has keys for."""
    if isinstance(optim_wrapper, AmpOptimWrapper):
        raise ConfigError('AmpOptimWrapper (--amp) does not reach the backward passes of a method: '
                          "set model.amp=dict(dtype='bfloat16') (or 'float16'), and "
                          "optim_wrapper.type='OptimWrapper'")
    if not isinstance(optim_wrapper, OptimWrapper):
        raise ConfigError(f"optim_wrapper.type must be 'OptimWrapper', got "
                          f'{type(optim_wrapper).__name__!r}: the step of a method makes its '
                          'backward passes and updates by itself')
    if optim_wrapper.clip_grad_kwargs:
        raise ConfigError('optim_wrapper.clip_grad does not reach the backward passes of a method: '
                          'set model.grad_clip=dict(max_norm=...) instead')
    if optim_wrapper._accumulative_counts > 1:
        raise ConfigError('optim_wrapper.accumulative_counts does not reach the backward passes of '
                          'a method: set model.cumulative_iters='
                          f'{optim_wrapper._accumulative_counts} instead')
