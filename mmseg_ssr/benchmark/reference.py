"""A training iteration of a published implementation, whose folder stands beside the project.

This is a script and is never imported. In its process ``mmseg`` is the folder's own copy, and
``mmseg_ssr`` is not loaded. The published code expects older libraries, a graphics card and
weight files. The script provides replacements from outside and changes none of its files.

    python reference.py FILE_DESCRIPTOR '{"folder": ..., "config": ..., "crop": ..., ...}'
"""
import json
import logging
import sys
import tempfile
import types
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Dict, Optional
from unittest import mock

import numpy as np
import torch

HERE = str(Path(__file__).resolve().parent)
sys.path.insert(0, HERE)
from made_images import made_batch  # noqa: E402
from measure import SETTLED, Workload, flop_counter, serve  # noqa: E402

sys.path.remove(HERE)

#: A version of mmcv that the vendored mmseg 0.16 accepts.
ACCEPTED_MMCV = '1.3.7'
#: Keys that the published methods read and that configs may omit.
DEFAULTS = dict(source_only=False, mask_mode=None, mask_alpha='same', mask_generator=None,
                mask_pseudo_threshold='same', mask_lambda=0, debug_img_interval=10 ** 9,
                print_grad_magnitude=False)
#: Keys that only this project has.
UNKNOWN = ('regularizer', 'seed', 'joint_views', 'compile')
#: SAM's ViT-B as published: the arguments of its image encoder.
VIT_B = dict(depth=12, embed_dim=768, img_size=1024, mlp_ratio=4, num_heads=12, patch_size=16,
             qkv_bias=True, use_rel_pos=True, global_attn_indexes=(2, 5, 8, 11), window_size=14,
             out_chans=256)


class PublishedIteration(Workload):
    """One iteration of the published code.

    Args:
        folder: folder that holds its ``mmseg``.
        config: our config of the same method as a plain dict.
        crop, batch: as in :class:`~mmseg_ssr.benchmark.step.TrainingIteration`.
    """

    settling = SETTLED

    def __init__(self, device: torch.device, folder: str, config: Dict[str, Any], crop: int,
                 batch: int):
        import mmcv
        from mmcv.runner import build_optimizer
        restore_old_names()
        provide_augmentation()
        sys.path.insert(0, folder)
        with mock.patch.object(mmcv, '__version__', ACCEPTED_MMCV):
            from mmseg.models.builder import build_train_model
        self.files = tempfile.TemporaryDirectory()
        cfg = mmcv.Config(published_config(config, self.files.name))
        encoder = (config['uda'].get('regularizer') or {}).get('encoder')
        with ExitStack() as stack:
            stand_in_for_sam(stack, encoder)
            stand_in_for_device(stack, device)
            self.model = build_train_model(cfg)
        self.model.init_weights()
        self.model.to(device).train()
        self.optimizer = build_optimizer(self.model, dict(config['optimizer']))
        self.warm_ups = 0 if device.type == 'cpu' else 3  # as many as ours
        classes = config['model']['decode_head']['num_classes']
        self.data = {key: value.to(device) if isinstance(value, torch.Tensor) else value
                     for key, value in made_batch(batch, crop, classes).items()}

    def warm_up(self) -> Dict[str, Any]:
        with flop_counter() as counter:
            self.run()
        for _ in range(self.warm_ups):
            self.run()
        return dict(flops=counter.get_total_flops())

    def run(self) -> None:
        self.model.train_step(self.data, self.optimizer)


def published_config(config: Dict[str, Any], folder: str) -> Dict[str, Any]:
    """Translate our config to the published code's keys. Its output goes to ``folder``."""
    model = dict(config['model'], pretrained=None, train_cfg=dict(
        work_dir=folder, log_config=dict(img_interval=10 ** 9)))
    uda = {**DEFAULTS, **config['uda']}
    regularizer: Optional[Dict[str, Any]] = uda.get('regularizer')
    if regularizer:
        uda.update(sam_model_registry=regularizer['encoder'].get('variant', 'vit_b'),
                   stop_stage=list(regularizer['stages']))
    for key in UNKNOWN:
        uda.pop(key, None)
    return dict(model=model, uda=uda, runner=dict(config['runner']))


def restore_old_names() -> None:
    """Restore names that numpy has removed."""
    for name, value in (('float', float), ('int', int), ('bool', bool), ('object', object)):
        if name not in vars(np):
            setattr(np, name, value)


def provide_augmentation() -> None:
    """Replace kornia's two augmentations by torchvision's if kornia cannot be imported."""
    try:
        import kornia
        return
    except ImportError:
        from torchvision.transforms import v2
    kornia = types.ModuleType('kornia')
    kornia.augmentation = types.SimpleNamespace(ColorJitter=in_module(v2.ColorJitter))
    kornia.filters = types.SimpleNamespace(GaussianBlur2d=in_module(v2.GaussianBlur))
    sys.modules['kornia'] = kornia


def in_module(transform: type) -> type:
    """Make ``transform`` a module that takes lists and arrays of numbers, as kornia's does."""

    class Module(torch.nn.Module):

        def __init__(self, **options: Any):
            super().__init__()
            self.transform = transform(**options)

        def forward(self, img: torch.Tensor) -> torch.Tensor:
            return self.transform(img)

    return Module


def stand_in_for_sam(stack: ExitStack, encoder: Optional[Dict[str, Any]]) -> None:
    """Replace SAM from a file by SAM with random weights, of the wanted size."""
    if encoder is None:
        return
    import segment_anything
    args = encoder.get('encoder_args')
    for name, make in list(segment_anything.sam_model_registry.items()):
        stack.enter_context(mock.patch.dict(segment_anything.sam_model_registry, {
            name: partial(small_sam, args) if args else partial(make_unloaded, make)}))


def make_unloaded(make: Any, checkpoint: str) -> Any:
    """Make a whole SAM without reading its weights."""
    return make(checkpoint=None)


def small_sam(args: Dict[str, Any], checkpoint: str) -> Any:
    """Make a stand-in that has an image encoder."""
    from segment_anything.modeling import ImageEncoderViT
    norm = partial(torch.nn.LayerNorm, eps=1e-6)
    return types.SimpleNamespace(
        image_encoder=ImageEncoderViT(**{**VIT_B, **args}, norm_layer=norm))


def stand_in_for_device(stack: ExitStack, device: torch.device) -> None:
    """Send modules to our device, whatever device they are sent to by name."""
    move = torch.nn.Module.to

    def to(module: torch.nn.Module, *args: Any, **kwargs: Any) -> torch.nn.Module:
        if args and isinstance(args[0], str):
            args = (device, *args[1:])
        return move(module, *args, **kwargs)

    stack.enter_context(mock.patch.object(torch.nn.Module, 'to', to))


def main() -> None:
    logging.disable(logging.INFO)  # mmcv lists every parameter
    arguments = json.loads(sys.argv[2])
    device, threads = arguments.pop('device'), arguments.pop('threads')
    serve(Connection(int(sys.argv[1])), lambda place: PublishedIteration(place, **arguments),
          device, threads)


if __name__ == '__main__':
    main()
