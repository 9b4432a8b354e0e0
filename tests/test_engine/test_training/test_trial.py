"""What only building a model finds is found without data and without weights files."""
import pytest
import tiny_training
import torch
from mmcv import Config

from mmseg_ssr.engine.training.train import train
from mmseg_ssr.engine.training.trial import check_building, check_files
from mmseg_ssr.errors import ConfigError, MissingFile
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')
SAM = dict(type='SSR', sam_model_registry='vit_h')


@pytest.fixture
def sections(tmp_path, monkeypatch):
    """SSR with SAM, whose file is not there, over data that is not there either."""
    monkeypatch.chdir(tmp_path)
    return tiny_training.method_config(tmp_path, 2, **SAM)


def test_a_right_config_is_built_without_files_and_draws_nothing(sections):
    before = torch.random.get_rng_state()
    check_building(Config(sections))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.nn.Linear(30, 30).weight.std() > 0.05  # drawn again


@pytest.mark.parametrize('key, values', [
    ('imnet_feature_dist_encoder', dict(imnet_feature_dist_lambda=0.1)),
    ('foundation_distance_encoder', dict(foundation_distance_lambda=0.1)),
    ('pseudo_label_encoder', dict(type='DACS', sam_model_registry=None,
                                  pseudo_label_affinity=0.1))])
def test_other_encoders_have_stand_ins_too(sections, key, values):
    sections['uda'].update({**values, key: dict(
        type='timm', model='vit_base_patch14_dinov2', checkpoint='nowhere.pth')})
    check_building(Config(sections))


@pytest.mark.parametrize('keys, message', [
    (dict(variant='vit_tt'), "SAM variant must be one of .*, got 'vit_tt'"),
    (dict(variant='vit_t', input_size=500), 'multiple of its patch size 16, got 500'),
    (dict(variant='vit_t', input_size='512'), "multiple of its patch size 16, got '512'"),
    (dict(variant='vit_t', encoder_args=3), 'encoder_args of .* must be a dict, got 3')])
def test_the_input_of_sam_is_checked(sections, keys, message):
    sections['uda'].update(sam_model_registry=None, regularizer=dict(
        encoder=dict(type='sam', checkpoint='nowhere.pth', **keys)))
    with pytest.raises(ConfigError, match=message):
        check_building(Config(sections))


FAULTS = [
    (lambda c: c['uda'].update(regularizer=None, joint_views=True, sam_checkpoint=None)
     or c['model'].update(backbone=dict(type='ResNetV1c', depth=18, base_channels=8,
                                        stem_channels=8)), 'uda.joint_views: the backbone has'),
    (lambda c: c['uda'].update(stop_stage=[0, 7]), 'stages must be some of'),
    (lambda c: c['model']['decode_head'].update(in_channels=[8, 16, 40, 64], in_index=[0, 1]),
     'model cannot be built|uda cannot be built'),
    (lambda c: c['optimizer'].update(lr=-1.), 'Invalid learning rate'),
    (lambda c: c['optimizer'].update(
        constructor='LearningRateDecayOptimizerConstructor',
        paramwise_cfg=dict(num_layers=4, decay_rate=0.9)), 'those of model.backbone')]


@pytest.mark.parametrize('change, message', FAULTS)
def test_faults_are_told_together_with_the_missing_file(sections, change, message):
    change(sections)
    cfg = Config(sections)
    with pytest.raises(ConfigError, match=message):
        check_building(cfg)
    with pytest.raises(ConfigError, match=message) as error:
        check_files(cfg)
    assert 'sam_vit_h_4b8939.pth (uda.sam_model_registry' in error.value.problems[-1]


def test_a_missing_file_alone_is_a_missing_file(sections, tmp_path):
    with pytest.raises(MissingFile, match='sam_vit_h_4b8939.pth'):
        train(Config(sections), str(tmp_path / 'out'), CPU)
