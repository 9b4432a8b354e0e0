"""Options of a test, written into its config."""
import os
import re
from typing import Any, Dict, Optional

from mmcv import Config

from ...errors import ConfigError
from ..config.values import segmentor_test_cfg

#: Scales of mmseg's ``--aug-test``.
AUG_SCALES = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]


def set_inference_mode(cfg: Config, mode: str) -> None:
    """Set ``'whole'`` or ``'slide'`` inference in the config. ``'same'`` changes nothing.

    If the config gives no windows, they get the size of the training's crops and overlap by half.
    """
    if mode == 'same':
        return
    test_cfg = segmentor_test_cfg(cfg)
    test_cfg['mode'] = mode
    if mode == 'slide' and not test_cfg.get('crop_size'):
        train = (cfg.get('data') or {}).get('train')
        crop = (train.get('sync_crop_size') if isinstance(train, dict) else None
                ) or cfg.get('crop_size')
        if not isinstance(crop, (list, tuple)):
            raise ConfigError(f'{cfg.filename}: the mode slide needs the size of the windows: '
                              f'set crop_size = (height, width), got {crop!r}')
        test_cfg['crop_size'] = tuple(crop)
        test_cfg['stride'] = tuple(side // 2 for side in crop)


def set_inference_options(cfg: Config, amp: Optional[str] = None, compile: bool = False,
                          batched_slide: Optional[int] = None) -> None:
    """Set the keys of ``test_cfg`` for which an option is given, see :mod:`.inference`."""
    test_cfg = segmentor_test_cfg(cfg)
    if amp is not None:
        test_cfg['amp'] = dict(dtype=amp)
    if compile:
        test_cfg['compile'] = True
    if batched_slide is not None:
        test_cfg['batched_slide'] = batched_slide


def set_aug_test(cfg: Config) -> None:
    """Let a test average over scales and flips (mmseg's ``--aug-test``)."""
    step = set_flip_test(cfg, '--aug-test')
    step['img_ratios'] = AUG_SCALES


def set_flip_test(cfg: Config, option: str = '--flip-test') -> Dict[str, Any]:
    """Let a test average over each image and its mirror image, and return the pipeline's step."""
    for step in cfg.data.test.pipeline:
        if step['type'] == 'MultiScaleFlipAug':
            step['flip'] = True
            return step
    raise ConfigError(f'{cfg.filename}: {option} needs a MultiScaleFlipAug in '
                      'data.test.pipeline')


def set_test_split(cfg: Config) -> None:
    """Test on the ``test`` split: replace ``val`` by ``test`` in the folder names of ``data.test``.

    Raises:
        ConfigError: the names hold neither ``val`` nor ``test``.
    """
    names = []
    for key in ('img_dir', 'ann_dir', 'split'):
        if isinstance(cfg.data.test.get(key), str):
            parts = [re.sub(r'^val(?![a-z])', 'test', part)
                     for part in cfg.data.test[key].replace(os.sep, '/').split('/')]
            cfg.data.test[key] = '/'.join(parts)
            names += parts
    if not any(name.lower().startswith('test') for name in names):
        raise ConfigError(f'{cfg.filename}: --test-set replaces the name val in img_dir, ann_dir '
                          'and split of data.test by test, and there is none: name the folders of '
                          'the test set in the config')
