"""Trainings, schedules and predictions of mmseg 1.x, by its registries and mmengine's schedules."""
from copy import deepcopy
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
from mmengine.optim import LinearLR, PolyLR, build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_ssr.host import ConfigDict
from mmseg_ssr.migration.schedule import schedulers
from mmseg_ssr.utils.seeding import seeded


def build_method(config: Dict[str, Any], seed: int) -> nn.Module:
    """The method of a config, built as mmengine's runner builds it."""
    uda = dict(config['uda'], model=config['model'], max_iters=config['runner']['max_iters'])
    with seeded(seed):
        model = MODELS.build(ConfigDict(uda))
        model.init_weights()
    model.saves_state = True
    return model


def optimizer_of(model: nn.Module, config: Dict[str, Any]) -> Any:
    config = deepcopy(config)
    paramwise = config.pop('paramwise_cfg', None)
    return build_optim_wrapper(model, dict(
        type='OptimWrapper', optimizer=config, **(dict(paramwise_cfg=paramwise) if paramwise
                                                  else {})))


def groups_of(optimizer: Any) -> List[Dict[str, Any]]:
    """The groups of its parameters. mmengine's wrapper shows one more, for its log."""
    return optimizer.optimizer.param_groups


def train(model: nn.Module, optimizer: Any, lr_config: Dict[str, Any], max_iters: int,
          batches: List[Dict[str, Tensor]], stock: bool) -> Iterator[Dict[str, float]]:
    """Run one iteration for each batch; yields each one's log.

    The images are normalized already, so they come as the data preprocessor leaves them.
    """
    model.data_preprocessor = nn.Identity()
    model.data_preprocessor.forward = prepared
    steps = rates(optimizer, lr_config, max_iters, range(len(batches)))
    for batch, _ in zip(batches, steps):
        yield model.train_step(data_of(batch), optimizer)


def prepared(data: Dict[str, Any], training: bool) -> Dict[str, Any]:
    return data


def data_of(batch: Dict[str, Tensor]) -> Dict[str, Any]:
    """mmseg's form of tensors."""
    data = dict(inputs=batch['img'], data_samples=[
        SegDataSample(gt_sem_seg=PixelData(data=label)) for label in batch['gt_semantic_seg']])
    if 'target_img' in batch:
        samples = [SegDataSample() for _ in batch['target_img']]
        for sample, mask in zip(samples, batch.get('valid_pseudo_mask', ())):
            mask = mask if mask.dim() == 3 else mask[None]
            sample.set_data(dict(valid_pseudo_mask=PixelData(data=mask)))
        data['target'] = dict(inputs=batch['target_img'], data_samples=samples)
    return data


def rates(optimizer: Any, lr_config: Dict[str, Any], max_iters: int, iterations) -> Iterator[int]:
    """Give the optimizer the rates of one iteration after the other."""
    kinds = dict(LinearLR=LinearLR, PolyLR=PolyLR)
    configs = schedulers(dict(lr_config, policy='poly'), int(max_iters))
    for config in configs:
        if config['type'] == 'LinearLR':  # mmcv's formula rounds so, a relative 3e-11
            config['start_factor'] = 1 - (1 - config['start_factor'])
    running = [kinds[config.pop('type')](optimizer, **config) for config in configs]
    step = 0
    for iteration in iterations:
        while step < iteration:
            for scheduler in running:
                scheduler.step()
            step += 1
        yield iteration


def predictions(segmentor: nn.Module, img: Tensor, size: Tuple[int, int]
                ) -> Tuple[Tensor, np.ndarray, np.ndarray]:
    """Logits, and the classes at the image's size and at the original ``size``."""
    found = []
    for ori_shape in (tuple(img.shape[2:]), size):
        metas = dict(ori_shape=ori_shape, img_shape=tuple(img.shape[2:]),
                     pad_shape=tuple(img.shape[2:]))
        sample, = segmentor.predict(img, [SegDataSample(metainfo=metas)])
        found.append(sample)
    same, original = found
    return (same.seg_logits.data[None], same.pred_sem_seg.data[0].numpy(),
            original.pred_sem_seg.data[0].numpy())
