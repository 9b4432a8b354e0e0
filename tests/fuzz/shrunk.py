"""The shipped configs with all their keys, small enough to train in a moment."""
from pathlib import Path
from typing import Any, Dict

import tiny_training

from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.models.mit import _variant

SHIPPED = ('sam/daformer_sam_vit_b', 'sam/daformer_mic_sam_vit_b', 'sam/hrda_sam_vit_b',
           'demo/daformer_ssr', 'demo/daformer', 'demo/source_only')
MIT = [8, 16, 40, 64]
RESNET = [8, 16, 32, 64]
mit_tiny = _variant('mit_tiny', MIT, (1, 1, 1, 1))


def shipped(name: str) -> Dict[str, Any]:
    """Sections of a shipped config in plain containers."""
    return plain(load_config(str(tiny_training.ROOT / 'configs' / f'{name}.py'))._cfg_dict)


def shrunk(name: str, data: Path) -> Dict[str, Any]:
    """Sections of a shipped config on miniature data, with networks and a schedule to match."""
    sections = shipped(name)
    side = 64 if 'hrda' in name else 32
    resize(sections, data, side)
    small_networks(sections['model'])
    uda = sections['uda']
    if uda.get('type') == 'SSR':
        for key in ('sam_model_registry', 'stop_stage', 'sam_checkpoint'):
            uda.pop(key, None)
        uda['regularizer'] = dict(stages=[0, 1, 2, 3], **tiny_training.tiny_regularizer())
    uda.update(pseudo_weight_ignore_top=0, pseudo_weight_ignore_bottom=2)
    if uda.get('mask_generator'):
        uda['mask_generator']['mask_block_size'] = side // 4
    sections['runner']['max_iters'] = 2
    sections['lr_config']['warmup_iters'] = 1
    sections['checkpoint_config']['interval'] = 1
    sections['evaluation']['interval'] = 2
    sections['log_config']['interval'] = 1
    sections['data']['workers_per_gpu'] = 0
    for rare in (sections['data']['train']['rare_class_sampling'], ):
        rare['min_pixels'] = 4
    return sections


def resize(value: Any, data: Path, side: int) -> None:
    """Folders, image sizes and crops of a config, in place."""
    if isinstance(value, list):
        for item in value:
            resize(item, data, side)
        return
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key == 'data_root':
            value[key] = str(data / ('gta' if 'gta' in item else 'cityscapes'))
        elif key == 'img_scale':
            value[key] = (2 * side, side)
        elif key in ('crop_size', 'hr_crop_size', 'size'):
            value[key] = (side, side) if key != 'hr_crop_size' else [side // 2, side // 2]
        elif key == 'stride':
            value[key] = [side // 2, side // 2]
        elif key == 'crop_pseudo_margins':
            value[key] = [1, 2, 3, 4]
        else:
            resize(item, data, side)


def small_networks(model: Dict[str, Any]) -> None:
    backbone, head = model['backbone'], model['decode_head']
    model['pretrained'] = None
    if backbone['type'].startswith('mit_'):
        backbone['type'] = 'mit_tiny'
        head['in_channels'] = list(MIT)
    else:
        backbone.update(base_channels=8, stem_channels=8)
        head['in_channels'] = list(RESNET)
    head['channels'] = head['decoder_params']['embed_dims'] = 8
    if 'crop_coord_divisible' in model:
        model['crop_coord_divisible'] = 8


def plain(value: Any) -> Any:
    """mmcv's containers as Python's."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    return value
