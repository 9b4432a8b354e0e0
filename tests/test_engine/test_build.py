import pytest
import tiny_training
import torch
from mmseg.models.segmentors import EncoderDecoder

from mmseg_ssr.engine.build import (
    build_test_dataset,
    build_test_model,
    build_training_dataset,
    build_training_model,
    class_names,
    limit_images,
)
from mmseg_ssr.errors import CheckpointError, ConfigError, MissingFile
from mmseg_ssr.methods import SSR


def test_a_method_wraps_the_segmentor(data, config):
    model = build_training_model(config(tiny_training.ssr_config(data)), seed=5)
    assert isinstance(model, SSR) and type(model.model) is EncoderDecoder
    assert model.draws.seed == 5


def test_a_seed_in_the_config_of_the_method_stays(data, config):
    model = build_training_model(config(tiny_training.method_config(data, seed=11)), seed=5)
    assert model.draws.seed == 11


def test_students_start_equal_whatever_the_method(data, config):
    students = [build_training_model(config(sections), seed=5) for sections in (
        tiny_training.ssr_config(data), tiny_training.method_config(data, source_only=True),
        tiny_training.supervised_config(data))]
    torch.rand(3)
    students.append(build_training_model(config(tiny_training.ssr_config(data)), seed=5))
    first = students[0].state_dict()
    for student in students[1:]:
        assert all(torch.equal(tensor, first[name]) for name, tensor in
                   student.state_dict().items())
    other = build_training_model(config(tiny_training.ssr_config(data)), seed=6).state_dict()
    assert not all(torch.equal(tensor, first[name]) for name, tensor in other.items())


@pytest.mark.filterwarnings('error')
def test_nothing_is_advised_against_the_published_loss(data, config):
    cfg = config(tiny_training.ssr_config(data))
    build_training_model(cfg, seed=5)
    build_test_model(cfg)


@pytest.mark.filterwarnings('error')
def test_nothing_is_advised_against_the_name_of_pretrained_weights(data, config, tmp_path):
    sections = tiny_training.supervised_config(data)
    model = build_test_model(config(sections))
    torch.save(model.backbone.state_dict(), tmp_path / 'weights.pth')
    sections['model']['pretrained'] = str(tmp_path / 'weights.pth')
    started = build_training_model(config(sections), seed=5)
    for name, tensor in started.backbone.state_dict().items():
        torch.testing.assert_close(tensor, model.backbone.state_dict()[name])


def test_the_test_model_is_the_plain_segmentor(data, config):
    model = build_test_model(config(tiny_training.ssr_config(data)))
    assert type(model) is EncoderDecoder
    cfg = config(tiny_training.supervised_config(
        data, type='SSREncoderDecoder', regularizer=tiny_training.tiny_regularizer()))
    assert not [name for name, _ in build_test_model(cfg).named_modules() if 'regularizer' in name]


def test_the_test_model_needs_no_pretrained_weights(data, config):
    sections = tiny_training.ssr_config(data)
    sections['model']['pretrained'] = 'nowhere/mit_b5.pth'
    assert 'nowhere' not in str(build_test_model(config(sections)).backbone.init_cfg)


def test_test_settings_outside_the_model_are_understood(data, config):
    sections = tiny_training.supervised_config(data)
    sections['test_cfg'] = sections['model'].pop('test_cfg')
    sections['train_cfg'] = sections['model'].pop('train_cfg')
    cfg = config(sections)
    assert build_test_model(cfg).test_cfg.mode == 'whole'
    build_training_model(cfg, seed=0)


def test_sync_batch_norm_becomes_batch_norm_on_one_device(data, config):
    sections = tiny_training.supervised_config(data)
    norm = dict(type='SyncBN', requires_grad=True)
    sections['model']['decode_head']['norm_cfg'] = norm
    sections['model']['decode_head']['decoder_params']['fusion_cfg']['norm_cfg'] = norm
    modules = list(build_training_model(config(sections), seed=0).modules())
    assert not any(isinstance(m, torch.nn.SyncBatchNorm) for m in modules)


@pytest.mark.parametrize('change, message', [
    (lambda s: s['uda'].update(pseudo_threshold=3), 'pseudo_threshold must be in'),
    (lambda s: s['uda'].update(mask_mode='all'), "mask_mode must be 'separate', "),
    (lambda s: s['model']['decode_head'].pop('channels'), "model|uda.*'channels'"),
    (lambda s: s['model']['backbone'].update(num_layers='x'), 'uda cannot be built'),
])
def test_what_a_constructor_refuses_is_said_in_one_line(data, config, change, message):
    sections = tiny_training.ssr_config(data)
    change(sections)
    with pytest.raises(ConfigError, match=message) as error:
        build_training_model(config(sections), seed=0)
    assert '\n' not in str(error.value) and 'config.py' in str(error.value)


def test_what_several_parts_refuse_has_a_line_each(data, config):
    sections = tiny_training.ssr_config(data)
    sections['uda'].update(lambda_ent=dict(aux_3=1.), views=[dict(type='Unknown')])
    with pytest.raises(ConfigError) as error:
        build_training_model(config(sections), seed=0)
    assert [line.split("'Unk")[0].split(',')[0] for line in error.value.problems] == [
        'unknown key uda.lambda_ent.aux_3', 'unknown uda.views.0.type ']


def test_truncated_weights(data, config, tmp_path):
    sections = tiny_training.ssr_config(data)
    path = tmp_path / 'mit_b0.pth'
    torch.save(dict(x=torch.ones(1000)), path)
    path.write_bytes(path.read_bytes()[:1000])
    sections['model'].update(backbone=dict(type='mit_b0'), pretrained=str(path))
    sections['model']['decode_head'].update(in_channels=[32, 64, 160, 256])
    with pytest.raises(CheckpointError, match=r'mit_b0.pth cannot be read, it may be truncated'):
        build_training_model(config(sections), seed=0)


def test_data_sets_get_the_seed_of_the_run(data, config):
    assert build_training_dataset(config(tiny_training.ssr_config(data)), seed=6).seed == 6


def test_a_missing_data_folder(data, config):
    sections = tiny_training.ssr_config(data)
    sections['data']['train']['source']['data_root'] = 'nowhere/gta'
    sections['data']['val']['data_root'] = 'nowhere/cityscapes'
    cfg = config(sections)
    with pytest.raises(MissingFile, match='nowhere/gta/images .*published at https'):
        build_training_dataset(cfg, seed=0)
    with pytest.raises(MissingFile, match='nowhere/cityscapes/leftImg8bit/val .*published at'):
        build_test_dataset(cfg, 'val')


def test_no_split_to_test_on(data, config):
    sections = tiny_training.ssr_config(data)
    del sections['data']['test']
    with pytest.raises(ConfigError, match='no data.test'):
        build_test_dataset(config(sections))


def test_labels_are_needed_only_where_scores_are(data, config):
    sections = tiny_training.ssr_config(data)
    sections['data']['test']['seg_map_suffix'] = '_other.png'
    cfg = config(sections)
    with pytest.raises(MissingFile, match='labels'):
        build_test_dataset(cfg)
    assert len(build_test_dataset(cfg, need_labels=False)) == 3


def test_classes_and_images(data, config):
    dataset = build_test_dataset(config(tiny_training.ssr_config(data)))
    classes, palette = class_names(dataset)
    assert classes[0] == 'road' and palette[0] == [128, 64, 128]
    assert len(limit_images(dataset, None)) == 3 and len(limit_images(dataset, 2)) == 2


def test_an_endless_data_set_is_not_repeated(config, data):
    sections = tiny_training.method_config(data, 1)
    sections['data']['train'] = dict(type='RepeatDataset', times=3,
                                     dataset=sections['data']['train'])
    with pytest.raises(ConfigError, match='UDADataset is inside RepeatDataset'):
        build_training_dataset(config(sections), seed=0)
