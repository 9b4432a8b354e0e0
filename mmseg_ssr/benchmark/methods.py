"""Methods and modes of a training iteration to compare, as changes to a config."""
import os
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional

from mmcv import Config
from mmseg.models.builder import BACKBONES

from ..engine.config import experiment_name, load_config
from ..engine.config.validate import validate
from ..errors import ConfigError, MissingFile, nearest
from ..models.mit import MiT
from ..models.vit_adapter.dinov2_adapter import stride_of
from ..uda.losses.regularization_keys import SAM_CHECKPOINTS

ROOT = Path(__file__).resolve().parents[2]


class Method(NamedTuple):
    """A config file, and the changes to it."""
    config: str
    options: Dict[str, Any]


METHODS: Dict[str, Method] = {
    'source_only': Method('configs/daformer/gta2cs_daformer_mitb5.py', {
        'uda.source_only': True, 'uda.imnet_feature_dist_lambda': 0}),
    'daformer': Method('configs/daformer/gta2cs_daformer_mitb5.py', {}),
    'daformer_ssr': Method('configs/sam/daformer_sam_vit_b.py', {}),
    'daformer_ssr_vit_t': Method('configs/sam/daformer_mobilesam.py', {}),
    'mic': Method('configs/mic/gta2cs_mic_daformer_mitb5.py', {}),
    'mic_ssr': Method('configs/sam/daformer_mic_sam_vit_b.py', {}),
    'hrda': Method('configs/hrda/gta2cs_hrda_mitb5.py', {}),
    'hrda_ssr': Method('configs/sam/hrda_sam_vit_b.py', {}),
}

#: The mode that computes the numbers of the published code. All others are changes to it.
EXACT = 'exact'
MODES: Dict[str, Dict[str, Any]] = {
    EXACT: {},
    'joint': {'uda.joint_views': True},
    'bf16': {'uda.amp': dict(dtype='bfloat16')},
    'fp16': {'uda.amp': dict(dtype='float16')},
    'compile': {'uda.compile': True},
    'graphs': {'uda.compile': 'reduce-overhead'},
    'channels_last': {'uda.channels_last': True},
    'checkpointing': {'model.backbone.with_cp': True},
    'unwatched': {'uda.watch_interval': 50, 'runner.type': 'SelfTrainingRunner'},
    'sam512': {'uda.regularizer.encoder.input_size': 512},
}

#: Replacements of the full networks, for runs that take seconds.
SMALL_BACKBONE = 'mit_b0'
SMALL_WIDTH = 8
SMALL_SAM = dict(embed_dim=12, depth=2, num_heads=2, window_size=2, global_attn_indexes=[1])
SMALL_VIT_T = dict(embed_dims=[8, 8, 16, 16], depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2])


class Size(NamedTuple):
    """Settings of an iteration's size. None leaves the config's value."""
    crop: Optional[int] = None
    batch: int = 2
    backbone: Optional[str] = None
    sam_size: Optional[int] = None
    small: bool = False


SMALL = Size(crop=64, batch=2, backbone=SMALL_BACKBONE, sam_size=32, small=True)


def mode_options(mode: str, modes: Mapping[str, Dict[str, Any]] = MODES) -> Dict[str, Any]:
    """Config options of a mode, or of several joined by ``+``.

    Args:
        mode: name of a mode, or names joined by ``+``.
        modes: the options of each single mode.

    Raises:
        ConfigError: a mode is unknown.
    """
    options: Dict[str, Any] = {}
    for name in mode.split('+'):
        if name not in modes:
            raise ConfigError(f'unknown mode {name}{nearest(name, modes)} (there are '
                              f'{", ".join(modes)}, and sums of them such as bf16+compile)')
        options.update(modes[name])
    return options


def find_method(name: str) -> Method:
    """Find a method of :data:`METHODS`, or any config file.

    Raises:
        ConfigError: it is neither.
    """
    if name in METHODS:
        method = METHODS[name]
        return method._replace(config=str(ROOT / method.config))
    if name.endswith('.py') and os.path.isfile(name):
        return Method(name, {})
    raise ConfigError(f'unknown method {name}{nearest(name, METHODS)} (there are '
                      f'{", ".join(METHODS)}, and config files)')


def method_name(name: str) -> str:
    """Name for tables: the method's name, or that of the config."""
    return name if name in METHODS else experiment_name(load_config(name))


def method_config(name: str, mode: str, size: Size) -> Config:
    """Load and check the config of a method in a mode, at a size.

    If weights are missing, they stay random: the time does not depend on them.

    Raises:
        ConfigError: a method or mode is unknown, or this version does not have its keys.
    """
    method = find_method(name)
    options = mode_options(mode)
    cfg = load_config(method.config, method.options)
    if size.backbone:
        set_backbone(cfg, size.backbone)
    if size.small:
        shrink(cfg.model)
    if size.crop:
        fit_inputs(cfg, size.crop)
        cfg.crop_size = (size.crop, size.crop)
    if 'uda' in cfg:
        set_sam(cfg.uda, size)
        for side in ('top', 'bottom') if size.crop else ():  # they are for larger crops
            rows = f'pseudo_weight_ignore_{side}'
            cfg.uda[rows] = min(cfg.uda.get(rows) or 0, size.crop // 8)
        if mode_needs_sam(options) and not cfg.uda.get('regularizer'):
            raise ConfigError(f'mode {mode} needs a method with a SAM encoder')
    for part in (cfg.model, cfg.get('uda') or {}):
        forget_missing_weights(part)
    cfg.merge_from_dict(options)
    validate(cfg)
    return cfg


def fit_inputs(cfg: Config, crop: int) -> None:
    """Scale the fixed size to which a ViT-Adapter and its masked view resize images.

    It is as much larger than ``crop`` as the config's is than its own crop, up to rounding.
    """
    backbone, published = cfg.model.backbone, cfg.get('crop_size')
    if backbone.type != 'DINOv2Adapter' or not published:
        return
    side = backbone.get('input_size', 1120)
    if side is None:  # it follows the images
        return
    stride = stride_of(backbone.get('patch_size', 14))
    backbone.input_size = max(1, round(side * crop / published[0] / stride)) * stride
    mask = (cfg.get('uda') or {}).get('mask_generator')
    if mask and mask.get('input_size'):
        mask['input_size'] = backbone.input_size


def shrink(model: Dict[str, Any]) -> None:
    """Set a narrow head, and small detail crops if there are any."""
    if model['decode_head'].get('decoder_params'):
        model['decode_head']['channels'] = SMALL_WIDTH
        model['decode_head']['decoder_params']['embed_dims'] = SMALL_WIDTH
    if model.get('hr_crop_size'):
        model['hr_crop_size'] = [SMALL.crop // 2] * 2


def mode_needs_sam(options: Dict[str, Any]) -> bool:
    return any(key.startswith('uda.regularizer.') for key in options)


def set_backbone(cfg: Config, name: str) -> None:
    """Set another backbone of the same family, from scratch, with matching inputs of the head."""
    if name not in BACKBONES.module_dict:
        raise ConfigError(f'--backbone: unknown backbone {name}'
                          f'{nearest(name, BACKBONES.module_dict)}')
    if not issubclass(BACKBONES.get(name), MiT):
        raise ConfigError(f'--backbone {name}: only mit_b0 to mit_b5 can be put into a config here')
    cfg.model.pretrained = None
    cfg.model.backbone.type = name
    cfg.model.decode_head.in_channels = list(BACKBONES.build(dict(cfg.model.backbone)).embed_dims)


def set_sam(uda: Dict[str, Any], size: Size) -> None:
    """Set SAM's input size. A name in SAM's registry becomes an encoder given by its arguments."""
    registry_name = uda.get('sam_model_registry')
    if registry_name is None and not uda.get('regularizer'):
        return
    if registry_name is not None:
        stages = uda.pop('stop_stage', [0, 1, 2, 3])
        checkpoint = uda.pop('sam_checkpoint', None) or SAM_CHECKPOINTS.get(registry_name)
        del uda['sam_model_registry']
        uda['regularizer'] = dict(stages=stages, encoder=dict(
            variant=registry_name, checkpoint=checkpoint))
    encoder = uda['regularizer']['encoder']
    if size.small:
        small = SMALL_VIT_T if encoder['variant'] == 'vit_t' else SMALL_SAM
        encoder.update(encoder_args=dict(small), checkpoint=None)
    if size.sam_size:
        encoder['input_size'] = size.sam_size


def forget_missing_weights(config: Dict[str, Any]) -> None:
    """Replace missing weight files, at any depth, by None: weights are random then."""
    for key, value in config.items():
        if isinstance(value, dict):
            forget_missing_weights(value)
        elif key in ('checkpoint', 'pretrained') and value and not os.path.isfile(value):
            config[key] = None


def check_folder(path: str, holds: str) -> Path:
    """Check that a folder holds a given file or folder.

    Raises:
        MissingFile: the folder does not hold it.
    """
    if not (Path(path) / holds).exists():
        raise MissingFile(f'{path}: no {holds} in it')
    return Path(path)
