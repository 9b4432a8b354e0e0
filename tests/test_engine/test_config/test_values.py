import pytest
from mmcv import Config

from mmseg_ssr.engine.config.values import (
    checkpoint_interval,
    dataset_configs,
    experiment_name,
    head_classes,
    max_iterations,
    method_config,
    segmentor_test_cfg,
)
from mmseg_ssr.errors import ConfigError


@pytest.mark.parametrize('sections', [
    {}, dict(runner=dict(max_iters=0)), dict(runner=dict(max_iters='9'))])
def test_a_training_needs_a_length(sections):
    with pytest.raises(ConfigError, match='runner.max_iters must be an integer of at least 1'):
        max_iterations(Config(sections))


def test_length_and_name():
    assert max_iterations(Config(dict(total_iters=7))) == 7
    named, unnamed = (Config(sections, cfg_text='read', filename='configs/my_run.py')
                      for sections in (dict(name='other'), dict(x=1)))
    assert experiment_name(named) == 'other' and experiment_name(unnamed) == 'my_run'


def test_heads_and_data_sets_are_found_wherever_they_are():
    cfg = Config(dict(
        model=dict(decode_head=[dict(num_classes=1), dict(num_classes=2)],
                   auxiliary_head=dict(num_classes=3)),
        data=dict(train=dict(type='RepeatDataset', dataset=dict(type='a')),
                  val=[dict(type='b'), dict(type='c')],
                  test=dict(type='UDADataset', source=dict(type='d'), target=dict(type='e')))))
    assert list(head_classes(cfg)) == [('model.decode_head.0', 1), ('model.decode_head.1', 2),
                                       ('model.auxiliary_head', 3)]
    assert [(path, dataset['type']) for path, dataset in dataset_configs(cfg)] == [
        ('data.train.dataset', 'a'), ('data.val.0', 'b'), ('data.val.1', 'c'),
        ('data.test.source', 'd'), ('data.test.target', 'e')]


@pytest.mark.parametrize('iterations, interval', [
    (40000, 2000), (1000, 50), (5, 1), (400000, 2000)])
def test_checkpoints_come_regularly(iterations, interval):
    assert checkpoint_interval(iterations) == interval


def test_a_method_around_the_segmentor_as_stock_mmseg_has_it():
    outer, inner = (Config(sections) for sections in (
        dict(uda=dict(type='DACS'), model=dict(type='EncoderDecoder'), test_cfg=dict(mode='slide')),
        dict(model=dict(type='DACS', model=dict(type='EncoderDecoder')))))
    assert method_config(outer)['type'] == method_config(inner)['type'] == 'DACS'
    assert method_config(Config(dict(model=dict(type='EncoderDecoder')))) == {}
    assert segmentor_test_cfg(outer) == dict(mode='slide') and segmentor_test_cfg(inner) == {}
    segmentor_test_cfg(inner)['mode'] = 'whole'
    assert inner.model.model.test_cfg == dict(mode='whole')
