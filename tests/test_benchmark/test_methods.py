"""Methods and modes as changes to configs."""
import pytest
import tiny_training

from mmseg_ssr.benchmark.methods import (
    METHODS,
    MODES,
    SMALL,
    Size,
    check_folder,
    method_config,
    method_name,
    mode_options,
)
from mmseg_ssr.benchmark.step import ratios
from mmseg_ssr.engine.build import build_training_model
from mmseg_ssr.errors import ConfigError, MissingFile


def test_modes_add_up():
    options = mode_options('joint+bf16')
    assert options == {'uda.joint_views': True, 'uda.amp': dict(dtype='bfloat16')}
    assert mode_options('exact') == {}


@pytest.mark.parametrize('mode, message', [
    ('jiont', "unknown mode jiont, did you mean 'joint'\\?"),
    ('joint+x', 'unknown mode x .*there are exact, joint'), ('', 'unknown mode')])
def test_a_misspelled_mode_is_named(mode, message):
    with pytest.raises(ConfigError, match=message):
        mode_options(mode)


@pytest.mark.parametrize('name, message', [
    ('dafromer', "unknown method dafromer, did you mean 'daformer'"),
    ('missing.py', 'unknown method missing.py .*config files')])
def test_an_unknown_method_is_named(name, message):
    with pytest.raises(ConfigError, match=message):
        method_config(name, 'exact', SMALL)


@pytest.mark.parametrize('method', METHODS)
def test_every_method_builds_small(method):
    model = build_training_model(method_config(method, 'exact', SMALL), seed=0)
    assert (model.regularizer is not None) == ('ssr' in method)
    assert (model.teacher is None) == (method == 'source_only')
    assert ('masked' in [maker.name for maker in model.view_makers]) == method.startswith('mic')


@pytest.mark.parametrize('mode', MODES)
def test_every_mode_is_known_to_this_version(mode):
    method_config('daformer_ssr', mode, SMALL)


def test_a_mode_that_this_version_does_not_know(monkeypatch):
    monkeypatch.setitem(MODES, 'later', {'uda.faster': True})
    with pytest.raises(ConfigError, match='uda.*faster'):
        method_config('daformer', 'later', SMALL)


def test_sam_modes_need_sam():
    with pytest.raises(ConfigError, match='mode sam512 needs a method with a SAM encoder'):
        method_config('daformer', 'sam512', SMALL)
    cfg = method_config('daformer_ssr', 'sam512', Size())
    assert cfg.uda.regularizer['encoder']['input_size'] == 512


@pytest.mark.parametrize('crop, side', [(448, 448), (64, 224), (None, 1120)])
def test_fixed_inputs_shrink_with_the_crop(crop, side):
    path = str(tiny_training.ROOT / 'configs/vfm/gta2cs_vfmudapp_ssr_dinov2_b.py')
    cfg = method_config(path, 'exact', Size(crop=crop))
    assert cfg.crop_size == (crop or 1024, ) * 2
    assert cfg.model.backbone.input_size == cfg.uda.mask_generator.input_size == side


def test_a_config_is_compared_with_that_without_ssr():
    records = {f'{name}/exact': dict(seconds=seconds, peak_bytes=1) for name, seconds in (
        ('gta2cs_vfmudapp_dinov2_b', 2.), ('gta2cs_vfmudapp_ssr_dinov2_b', 3.))}
    plain, ssr = (ratios(name, records) for name in records)
    assert plain == {} and ssr == dict(ssr_cost_ratio=1.5)


def test_missing_weights_are_left_random(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = method_config('daformer_ssr', 'exact', Size(sam_size=768))
    assert cfg.model.pretrained is None
    assert cfg.uda.regularizer == dict(stages=[0, 1, 2, 3], encoder=dict(
        variant='vit_b', checkpoint=None, input_size=768))
    assert 'sam_model_registry' not in cfg.uda
    (tmp_path / 'pretrained').mkdir()
    for name in ('mit_b5.pth', 'sam_vit_b_01ec64.pth'):
        (tmp_path / 'pretrained' / name).touch()
    cfg = method_config('daformer_ssr', 'exact', Size())
    assert cfg.model.pretrained == 'pretrained/mit_b5.pth'
    encoder = cfg.uda.regularizer['encoder']
    assert encoder['checkpoint'] == 'pretrained/sam_vit_b_01ec64.pth'


def test_another_backbone_brings_its_widths():
    cfg = method_config('daformer', 'exact', Size(backbone='mit_b0', crop=128))
    assert cfg.model.decode_head.in_channels == [32, 64, 160, 256]
    assert cfg.crop_size == (128, 128)
    with pytest.raises(ConfigError, match='--backbone: unknown backbone mit_b9, did you mean'):
        method_config('daformer', 'exact', Size(backbone='mit_b9'))
    with pytest.raises(ConfigError, match='--backbone ResNet: only mit_b0 to mit_b5'):
        method_config('daformer', 'exact', Size(backbone='ResNet'))


def test_any_config_file(config_file, data):
    sections = tiny_training.method_config(data)
    path = config_file(dict(sections, name='my_own', crop_size=(32, 32)))
    assert method_name(path) == 'my_own' and method_name('mic') == 'mic'
    assert method_config(path, 'joint', Size()).uda.joint_views


@pytest.mark.parametrize('path', [
    'configs/vfm/gta2cs_ssr_convnext_b.py', 'configs/daformer/gta2cs_daformer_dlv2_r101.py',
    'configs/daformer/gta2cs_source_only_mitb5.py'])
def test_shipped_configs_need_no_files(path):
    cfg = method_config(str(tiny_training.ROOT / path), 'exact', Size())
    assert cfg.model.pretrained is None
    if 'vfm' in path:
        assert cfg.uda.regularizer.encoder.checkpoint is None


def test_folder_of_a_published_implementation(tmp_path):
    with pytest.raises(MissingFile, match='no mmseg in it'):
        check_folder(str(tmp_path), 'mmseg')
