import copy

import pytest
from tiny_data import training_steps

from mmseg_ssr.datasets.target_config import target_config
from mmseg_ssr.errors import ConfigError


def types(config):
    return [step['type'] for step in config['pipeline']]


def test_labels_are_taken_out_and_the_original_is_left_alone():
    config = dict(type='CityscapesDataset', img_dir='x',
                  pipeline=training_steps(cat_max_ratio=0.75))
    before = copy.deepcopy(config)
    target = target_config(config)
    assert config == before
    assert 'LoadAnnotations' not in types(target)
    assert target['pipeline'][-1]['keys'] == ['img']
    assert 'cat_max_ratio' not in target['pipeline'][2]
    assert target['test_mode'] is True


def test_margins_become_two_steps():
    target = target_config(dict(type='CityscapesDataset', crop_pseudo_margins=[30, 240, 30, 30],
                                pipeline=training_steps()))
    assert 'crop_pseudo_margins' not in target
    assert types(target)[:2] == ['LoadImageFromFile', 'PseudoLabelMargins']
    assert types(target)[-2:] == ['FormatValidPseudoMask', 'Collect']
    assert target['pipeline'][1]['margins'] == [30, 240, 30, 30]
    assert target['pipeline'][-1]['keys'] == ['img', 'valid_pseudo_mask']


def test_wrappers_and_lists():
    inner = dict(type='CityscapesDataset', pipeline=training_steps())
    first, second = target_config([inner, dict(type='RepeatDataset', times=2, dataset=inner)])
    assert first['test_mode'] and second['dataset']['test_mode']
    assert 'test_mode' not in second


def test_margins_without_a_place_for_them():
    with pytest.raises(ConfigError, match='crop_pseudo_margins needs a pipeline that loads'):
        target_config(dict(type='CityscapesDataset', crop_pseudo_margins=[1, 1, 1, 1],
                           pipeline=training_steps()[1:]))


def test_all_targets_have_margins_or_none():
    steps = [dict(type='LoadImageFromFile'), dict(type='Collect', keys=['img'])]
    parts = [dict(type='CityscapesDataset', pipeline=steps, **margins)
             for margins in (dict(crop_pseudo_margins=[0.1, 0.2, 0., 0.]), {})]
    with pytest.raises(ConfigError, match='all targets need crop_pseudo_margins or none'):
        target_config(parts)
    first, second = target_config([parts[0], parts[0]])
    assert first == second and first['pipeline'][1] == dict(
        type='PseudoLabelMargins', margins=[0.1, 0.2, 0., 0.])
