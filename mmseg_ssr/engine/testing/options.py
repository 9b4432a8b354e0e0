"""Options of a test, written into its config."""
import os
import re
from typing import Any, Dict, List, Optional, Union

from mmcv import Config

from ...datasets.several_sets import LISTED, as_list
from ...errors import ConfigError
from ..config.values import segmentor_test_cfg, split_configs

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
    for step in set_flip_test(cfg, '--aug-test'):
        step['img_ratios'] = AUG_SCALES


def set_flip_test(cfg: Config, option: str = '--flip-test') -> List[Dict[str, Any]]:
    """Let a test average over each image and its mirror image.

    Returns:
        The step of the pipeline of each set.
    """
    steps = []
    for path, dataset in split_configs(cfg, 'test'):
        found = [step for step in dataset['pipeline'] if step['type'] == 'MultiScaleFlipAug']
        if not found:
            raise ConfigError(f'{cfg.filename}: {option} needs a MultiScaleFlipAug in '
                              f'{path}.pipeline')
        steps.append(found[0])
    for step in steps:
        step['flip'] = True
    return steps


def set_test_split(cfg: Config) -> None:
    """Test on the ``test`` split: replace ``val`` by ``test`` in the folder names of ``data.test``.

    Raises:
        ConfigError: the names hold neither ``val`` nor ``test``.
    """
    for _, dataset in split_configs(cfg, 'test'):
        given = {key: dataset[key] for key in LISTED if dataset.get(key)}
        dataset.update({key: _of_test(value) for key, value in given.items()})
        names = [name for key in given for value in as_list(dataset[key])
                 for name in value.split('/')]
        if any(name.lower().startswith('test') for name in names):
            continue
        raise ConfigError(f'{cfg.filename}: --test-set replaces the name val in img_dir, ann_dir '
                          'and split of data.test by test, and there is none: name the folders of '
                          'the test set in the config')


def _of_test(names: Union[str, List[str]]) -> Union[str, List[str]]:
    """Replace ``val`` by ``test`` in the name of a folder or file, or in each of several."""
    if not isinstance(names, str):
        return [_of_test(name) for name in names]
    return '/'.join(re.sub(r'^val(?![a-z])', 'test', part)
                    for part in names.replace(os.sep, '/').split('/'))
