"""Configs of mmseg 0.x in the words of 1.x: the parts, and what has no counterpart."""
import pytest

from mmseg_ssr.commands.migrate import main
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.migration.pipeline import test_pipeline as convert_test
from mmseg_ssr.migration.pipeline import training_pipeline, views
from mmseg_ssr.migration.schedule import schedulers
from mmseg_ssr.migration.to_mmseg1 import to_mmseg1

NORM = dict(mean=[1, 2, 3], std=[4, 5, 6], to_rgb=True)
TRAIN = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', reduce_zero_label=False),
    dict(type='Resize', img_scale=(64, 32)), dict(type='RandomCrop', crop_size=(32, 32)),
    dict(type='RandomFlip', prob=0.5), dict(type='Normalize', **NORM),
    dict(type='Pad', size=(32, 32), pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'), dict(type='Collect', keys=['img', 'gt_semantic_seg'])]


def tested(**views_of):
    return [dict(type='LoadImageFromFile'),
            dict(type='MultiScaleFlipAug', img_scale=(64, 32), **dict(dict(flip=False), **views_of),
                 transforms=[dict(type='Resize', keep_ratio=True), dict(type='RandomFlip'),
                             dict(type='Normalize', **NORM),
                             dict(type='ImageToTensor', keys=['img']),
                             dict(type='Collect', keys=['img'])])]


def config(**changes):
    gta = dict(type='GTADataset', data_root='data/gta/', img_dir='images', ann_dir='labels',
               pipeline=TRAIN)
    val = dict(type='CityscapesDataset', img_dir='a', ann_dir='b', pipeline=tested())
    return dict(dict(
        model=dict(type='EncoderDecoder'), uda=dict(type='DACS', alpha=0.9), seed=4,
        data=dict(samples_per_gpu=2, workers_per_gpu=0, val=val, test=val, train=dict(
            type='UDADataset', source=gta, target=dict(gta, crop_pseudo_margins=[1, 2, 3, 4]))),
        optimizer=dict(type='AdamW', lr=1.), lr_config=dict(policy='poly'),
        runner=dict(type='IterBasedRunner', max_iters=10)), **changes)


def test_steps_and_preprocessing():
    made = training_pipeline(TRAIN, 'here')
    assert made.steps == [
        dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
        dict(type='Resize', scale=(64, 32), keep_ratio=True),
        dict(type='RandomCrop', crop_size=(32, 32)), dict(type='RandomFlip', prob=0.5),
        dict(type='PackSegInputs')]
    assert made.preprocessing == dict(mean=[1, 2, 3], std=[4, 5, 6], bgr_to_rgb=True,
                                      size=(32, 32), pad_val=0, seg_pad_val=255)


def test_labels_are_loaded_after_a_test_image_is_resized():
    made = convert_test(tested(), 'here', labels=True)
    assert [step['type'] for step in made.steps] == [
        'LoadImageFromFile', 'Resize', 'LoadAnnotations', 'PackSegInputs']
    assert not views(tested(), 'here')


def test_several_views_become_a_pipeline_of_their_own():
    scales, flips, *_ = views(tested(flip=True), 'here')[1]['transforms']
    assert scales == [dict(type='Resize', scale=(64, 32), keep_ratio=True)]
    assert [flip['prob'] for flip in flips] == [0., 1.]


@pytest.mark.parametrize('steps, message', [
    ([dict(type='Resise')], "here: Resise has no counterpart.*'Resize'"),
    ([dict(type='LoadScaledImage', low=0, high=1)], 'LoadScaledImage has no counterpart')])
def test_steps_without_a_counterpart(steps, message):
    with pytest.raises(ConfigError, match=message):
        training_pipeline(steps, 'here')


def test_a_method_goes_around_its_student():
    made = to_mmseg1(config())
    model, pair = made['model'], made['train_dataloader']['dataset']
    assert (model['type'], model['alpha'], model['seed'], model['max_iters']) == ('DACS', 0.9, 4,
                                                                                 10)
    assert model['model'] == dict(type='EncoderDecoder', train_cfg={})
    assert model['data_preprocessor']['size'] == (32, 32)
    assert pair['length'] == 20 and pair['seed'] == 4
    assert pair['target']['crop_pseudo_margins'] == [1, 2, 3, 4]
    assert pair['source']['data_prefix'] == dict(img_path='images', seg_map_path='labels')
    assert made['custom_hooks'] == [dict(type='TrainingStateHook')]


def test_a_supervised_training_has_no_method():
    made = to_mmseg1(config(uda=None, optimizer_config=dict(grad_clip=dict(max_norm=3))))
    assert made['model']['type'] == 'EncoderDecoder' and 'custom_hooks' not in made
    assert made['optim_wrapper']['clip_grad'] == dict(max_norm=3)


@pytest.mark.parametrize('options, fused', [
    (dict(type='AdamW'), True), (dict(type='AdamW', fused=False), False),
    (dict(type='SGD', foreach=True), None), (dict(type='LBFGS'), None)])
def test_the_update_runs_in_the_kernel_of_mmseg0(options, fused):
    made = to_mmseg1(config(optimizer=dict(options, lr=1.)))['optim_wrapper']['optimizer']
    assert made.get('fused') is fused


@pytest.mark.parametrize('lr_config, expected', [
    (dict(policy='poly', power=0.9, min_lr=1e-5),
     [dict(type='PolyLR', power=0.9, eta_min=1e-5, begin=0, end=11, by_epoch=False)]),
    (dict(policy='PolyToHorizon', horizon=30),
     [dict(type='PolyLR', power=0.9, eta_min=0., begin=0, end=31, by_epoch=False)]),
    (dict(policy='fixed', warmup='linear', warmup_iters=5, warmup_ratio=0.1),
     [dict(type='LinearLR', start_factor=0.1, begin=0, end=6, by_epoch=False)]),
    (None, []),
])
def test_schedules(lr_config, expected):
    assert schedulers(lr_config, 10) == expected


@pytest.mark.parametrize('changes, message', [
    (dict(lr_config=dict(policy='step', step=[3])), 'lr_config.step has no counterpart'),
    (dict(lr_config=dict(policy='exp')), "policy='exp' .* no counterpart"),
    (dict(lr_config=dict(policy='poly', warmup='linear', warmup_iters=2, min_lr=1e-4)),
     'a warm-up and min_lr above 0'),
    (dict(custom_hooks=[dict(type='EMAHook')]), 'custom_hooks has no counterpart'),
    (dict(model=dict(type='SARFormer')), "model.type 'SARFormer' has no counterpart"),
    (dict(optimizer=dict(type='AdamW', constructor='X')), 'optimizer.constructor'),
    (dict(runner={}), 'runner.max_iters is missing'),
])
def test_configs_without_a_counterpart(changes, message):
    with pytest.raises(ConfigError, match=message):
        to_mmseg1(config(**changes))


def test_images_are_normalized_in_one_way():
    made = config()
    other = [dict(step, mean=[9, 9, 9]) if step['type'] == 'Normalize' else step for step in TRAIN]
    made['data']['train']['target'] = dict(made['data']['train']['target'], pipeline=other)
    with pytest.raises(ConfigError, match='prepares all images in the same way, but mean is'):
        to_mmseg1(made)


def test_the_project_s_configs_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(['configs/sam/daformer_sam_vit_b.py', 'converted.py'])
    assert 'train_dataloader' in (tmp_path / 'converted.py').read_text()


def test_a_config_that_is_missing(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path / 'nope.py'), str(tmp_path / 'converted.py')])
    assert capsys.readouterr().err == f'error: config file {tmp_path}/nope.py is missing\n'
