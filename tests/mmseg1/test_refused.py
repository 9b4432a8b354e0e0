"""Configs of mmseg 1.x that cannot be trained as they are: one line each says why."""
import pytest
import tiny_mmseg1
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.apis import init_model
from mmseg.registry import DATASETS, MODELS

from mmseg_ssr.errors import CheckpointError, ConfigError
from mmseg_ssr.host import in_its_words


def student(**head):
    model = tiny_mmseg1.tiny_model()
    return dict(model, decode_head=dict(model['decode_head'], **head))


# ---------------------------------------------------------------- for inference
def test_without_train_cfg_the_student_alone_is_built(data):
    """Also with the keys of a training, and without the files that it needs."""
    model = tiny_mmseg1.method(
        type='SSR', max_iters=40000, sam_model_registry='vit_b', sam_checkpoint='nothing.pth',
        imnet_feature_dist_lambda=0.005)
    for built in (MODELS.build(dict(model, train_cfg=None)),
                  init_model(Config(tiny_mmseg1.sections(data, model)), device='cpu')):
        assert built.regularizer is None and built.teacher is None
        assert built.feature_distance is None
    with pytest.raises(FileNotFoundError, match='nothing.pth is missing'):
        MODELS.build(model)


# ---------------------------------------------------------------- the model
@pytest.mark.parametrize('line, expected', [
    ('uda: set model.type, or remove uda', 'model: set model.model.type, or remove the method'),
    ('uda.alpha, see mmseg_ssr.uda.LossTerm and uda/step.py',
     'model.alpha, see mmseg_ssr.uda.LossTerm and uda/step.py')])
def test_errors_name_the_keys_of_mmseg1(line, expected):
    assert str(in_its_words(ConfigError(line))) == expected
    assert in_its_words(ValueError(line)) is None


@pytest.mark.parametrize('model, message', [
    (None, 'a method goes around a student: give model=dict'),
    (dict(backbone=dict(type='mit_b0')), "a method goes around a student.*got {'backbone'"),
    (tiny_mmseg1.method(), 'the student is a method itself, DACS'),
    (tiny_mmseg1.tiny_model('SSREncoderDecoder', regularizer=dict(encoder=tiny_mmseg1.SAM)),
     "set model.model.type='EncoderDecoder'"),
    (dict(type='CascadeEncoderDecoder', num_stages=2, backbone=tiny_mmseg1.tiny_model()['backbone'],
          decode_head=[dict(type='FCNHead', in_channels=64, in_index=3, channels=4, num_classes=19),
                       dict(type='OCRHead', in_channels=64, in_index=3, channels=4, ocr_channels=4,
                            num_classes=19)]), 'has 2 decode heads.*or remove the method'),
    (dict(type='Mask2Former', backbone={}, decode_head={}), 'Mask2Former needs mmseg 0.x'),
])
def test_students_that_no_method_trains(model, message):
    config = tiny_mmseg1.method(model=model)
    with pytest.raises(ConfigError, match=message):
        MODELS.build({key: value for key, value in config.items() if value is not None})


def test_other_numbers_of_classes_are_refused(runner):
    with pytest.raises(ConfigError, match='decode_head is 7, but train_dataloader.dataset '
                                          '.UDADataset. has 19 classes: give both the same'):
        runner(tiny_mmseg1.method(model=student(num_classes=7))).train()


def test_pairs_without_a_method_are_refused(runner):
    model = tiny_mmseg1.tiny_model(data_preprocessor=tiny_mmseg1.preprocessor())
    with pytest.raises(ConfigError, match="'EncoderDecoder' trains on the source alone.*put a "):
        runner(model).train()


# ---------------------------------------------------------------- the data
@pytest.mark.parametrize('length, iterations', [(None, 4), (5, 3)])
def test_pairs_that_come_again_are_refused(runner, data, length, iterations):
    pairs = tiny_mmseg1.pairs(data, length=length)
    with pytest.raises(ConfigError, match=f'dataset.length={2 * iterations}, and'):
        runner(tiny_mmseg1.method(), iterations=iterations, train=pairs).train()


def test_so_are_the_epochs_of_a_loop(runner, data):
    with pytest.raises(ConfigError, match='IterBasedTrainLoop'):
        runner(tiny_mmseg1.method(), train=tiny_mmseg1.pairs(data, length=4), val_cfg=None,
               train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=2), val_dataloader=None,
               val_evaluator=None).train()


@pytest.mark.parametrize('options, message', [
    (dict(length=0), 'length must be an integer of at least 1, got 0'),
    (dict(length='all'), "length must be an integer of at least 1, got 'all'"),
    (dict(seed='x'), "seed must be an integer of at least 0, got 'x'"),
])
def test_numbers_of_the_pairs(data, options, message):
    with pytest.raises(ConfigError, match=message):
        DATASETS.build(tiny_mmseg1.pairs(data, **options))


@pytest.mark.parametrize('change, message', [
    (dict(img_dir='images'), 'GTADataset: img_dir is of mmseg 0.x.*data_prefix=dict.img_path'),
    (dict(pipeline=[dict(type='Normalize', mean=[0], std=[1])]),
     'Normalize is of mmseg 0.x, mmseg 1.x has model.data_preprocessor instead: .mmseg-ssr migr'),
    (dict(pipeline=[dict(type='Collect', keys=['img'])]), 'Collect is of .* PackSegInputs'),
])
def test_data_sets_in_the_words_of_mmseg0(data, change, message):
    source = dict(tiny_mmseg1.gta(data), **change)
    with pytest.raises(ConfigError, match=message):
        DATASETS.build(tiny_mmseg1.pairs(data, source=source))


def test_images_of_two_sizes_are_refused(data):
    whole = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    pairs = DATASETS.build(tiny_mmseg1.pairs(data, target=tiny_mmseg1.cityscapes(
        data, 'train', whole)))
    method = MODELS.build(tiny_mmseg1.method(data_preprocessor=dict(
        tiny_mmseg1.preprocessor(), size=None, size_divisor=1)))
    with pytest.raises(ConfigError, match=r'of \(32, 32\) pixels and target images of \(32, 64\)'):
        method.batch(pseudo_collate([pairs[0]]))


@pytest.mark.parametrize('part', ['source', 'target'])
@pytest.mark.parametrize('rare', [None, dict(min_pixels=16, class_temp=0.1, min_crop_ratio=0.5)])
def test_samples_that_are_not_packed_are_refused(data, part, rare):
    pairs = tiny_mmseg1.pairs(data, rare_class_sampling=rare)
    pairs[part] = dict(pairs[part], pipeline=pairs[part]['pipeline'][:-1])
    with pytest.raises(ConfigError, match=f"{part}.pipeline gives no 'inputs': end it with"):
        DATASETS.build(pairs)[0]


# ---------------------------------------------------------------- weights
def test_weights_of_another_model_are_refused(runner, tmp_path):
    torch.save(dict(state_dict={'module.neck.weight': torch.zeros(2)}), tmp_path / 'other.pth')
    with pytest.raises(CheckpointError, match='none of the 1 weights .*neck.weight, ... there'):
        runner(tiny_mmseg1.method(), load_from=str(tmp_path / 'other.pth')).load_or_resume()


def test_weights_of_the_same_backbone_are_taken(runner, tmp_path):
    other = MODELS.build(student(num_classes=7)).state_dict()
    torch.save(other, tmp_path / 'weights.pth')
    training = runner(tiny_mmseg1.method(), load_from=str(tmp_path / 'weights.pth'))
    training.load_or_resume()
    name = 'backbone.layers.0.0.projection.weight'
    assert torch.equal(training.model.state_dict()[name], other[name])


def test_several_views_take_the_weights_of_a_checkpoint(runner, tmp_path):
    """``--tta`` puts a wrapper around the model."""
    weights = MODELS.build(tiny_mmseg1.tiny_model()).state_dict()
    torch.save(dict(state_dict=weights), tmp_path / 'weights.pth')
    model = dict(type='SegTTAModel', module=tiny_mmseg1.method(train_cfg=None))
    test = runner(model, load_from=str(tmp_path / 'weights.pth'))
    test.load_or_resume()
    loaded = test.model.module.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in weights.items())
