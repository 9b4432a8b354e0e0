"""Maps of whole training images: made once, and taken by a training in place of the encoder."""
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_training import ssr_config, supervised_config

from mmseg_ssr.doctor import examine_maps
from mmseg_ssr.engine import whole_image_maps
from mmseg_ssr.engine.build import build_training_dataset
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.engine.training.trial import check_building
from mmseg_ssr.errors import ConfigError, DataError, MissingFile
from mmseg_ssr.regularizer import FrozenSAMEncoder
from mmseg_ssr.regularizer.sam_network import build_image_encoder

CPU = torch.device('cpu')


@pytest.fixture
def sections(data, tmp_path):
    sections = ssr_config(data)
    sections['uda']['mixed_maps'] = 'composed'
    for domain in ('source', 'target'):
        sections['data']['train'][domain]['encoder_maps'] = str(tmp_path / 'maps' / domain)
    return sections


def for_labels(sections):
    """The keys of DAFormer whose pseudo-labels agree with the encoder."""
    return dict(type='DACS', pseudo_label_affinity=0.1,
                pseudo_label_encoder=sections['uda']['regularizer']['encoder'])


def make(cfg):
    return whole_image_maps.make(cfg, CPU, lambda line: None)


def test_maps_are_those_of_the_encoder_and_are_made_once(sections, config, tmp_path):
    cfg = config(sections)
    assert make(cfg) == 10 and make(cfg) == 0  # six source and four target images
    file = next((tmp_path / 'maps/source').rglob('*.npy'))
    found = np.load(file)
    assert found.shape == (16, 2, 2) and found.dtype == np.float16
    file.unlink()
    assert make(cfg) == 1 and np.array_equal(np.load(file), found)


def test_a_map_is_made_again_if_its_image_is_newer(sections, config, tmp_path):
    cfg = config(sections)
    make(cfg)
    file = next((tmp_path / 'maps/target').rglob('*.npy'))
    os.utime(file, (0, 0))
    assert make(cfg) == 1 and os.path.getmtime(file) > 0 and make(cfg) == 0


def test_two_data_sets_cannot_share_a_folder(sections, config, tmp_path):
    sections['data']['train']['source']['encoder_maps'] = f'{tmp_path}/maps/../maps/target'
    for use in (whole_image_maps.check, make):
        with pytest.raises(ConfigError, match='source.encoder_maps and .* a folder of its own'):
            use(config(sections))


def target_of(sections, tmp_path, names, **keys):
    """Let the target, which may not be Cityscapes, have images of these names."""
    target = sections['data']['train']['target']
    image = next((Path(target['data_root']) / target['img_dir']).rglob('*.png'))
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(image, tmp_path / name)
    target.update(type='GTADataset', data_root=str(tmp_path), **keys)


def test_a_data_set_may_have_several_folders_of_images(sections, config, tmp_path):
    target_of(sections, tmp_path, ['0/a.png', '1/b.png'], img_dir=['0', '1'])
    cfg = config(sections)
    assert make(cfg) == 8 and make(cfg) == 0
    assert {path.name for path in (tmp_path / 'maps/target').glob('*.npy')} == {'a.npy', 'b.npy'}
    assert 'target_encoder_map' in build_training_dataset(cfg, seed=0)[0]


@pytest.mark.parametrize('names, keys', [
    (['0/a.jpg', '0/a.png'], dict(img_dir='0', img_suffix=('.jpg', '.png'))),
    (['0/a.png', '1/a.png'], dict(img_dir=['0', '1']))])
def test_two_images_of_a_data_set_cannot_share_a_map(sections, config, tmp_path, names, keys):
    target_of(sections, tmp_path, names, **keys)
    with pytest.raises(DataError, match=f'{names[0]} and .*{names[1]} would share the map .*a.npy'):
        make(config(sections))


def test_the_maps_are_of_the_images_as_the_pipeline_loads_them(sections, config, tmp_path):
    make(config(sections))
    target = sections['data']['train']['target']
    target['pipeline'][0] = dict(type='LoadScaledImage', low=0, high=1020)  # a quarter as bright
    target['encoder_maps'] = str(tmp_path / 'darker')
    cfg = config(sections)
    assert make(cfg) == 4
    files = [next((tmp_path / folder).rglob('*.npy')) for folder in ('maps/target', 'darker')]
    assert not np.array_equal(*map(np.load, files))
    assert 'target_encoder_map' in build_training_dataset(cfg, seed=0)[0]


@pytest.mark.parametrize('change', [
    lambda steps: steps[0].update(type='LoadScaledImage', low=0, high=1020),
    lambda steps: normalize_of(steps).update(to_rgb=False)])
def test_maps_of_images_that_were_loaded_in_another_way(sections, config, tmp_path, change):
    make(config(sections))
    change(sections['data']['train']['target']['pipeline'])
    for use in (whole_image_maps.check, make):
        with pytest.raises(ConfigError, match='target are of images that were loaded by .*, the '
                                              'config has .*: take another folder'):
            use(config(sections))
    about = tmp_path / 'maps/target/encoder.json'
    note = json.loads(about.read_text())
    del note['steps']  # older versions did not note them, and what they did stays unknown
    about.write_text(json.dumps(note))
    assert make(config(sections)) == 0 and 'steps' not in json.loads(about.read_text())


def test_a_default_of_loading_that_is_written_out_is_no_other_way(sections, config):
    make(config(sections))
    steps = sections['data']['train']['target']['pipeline']
    steps[0].update(color_type='color', to_float32=True, file_client_args=dict(backend='disk'))
    normalize_of(steps)['to_rgb'] = True
    whole_image_maps.check(config(sections))


def test_a_note_of_an_older_version_lacks_newer_arguments(sections, config, tmp_path):
    make(config(sections))
    about = tmp_path / 'maps/target/encoder.json'
    note = json.loads(about.read_text())
    del note['steps'][0]['color_type']
    about.write_text(json.dumps(note))
    whole_image_maps.check(config(sections))


def normalize_of(steps):
    return next(step for step in steps if step['type'] == 'Normalize')


def test_an_encoder_needs_whole_normalized_images(sections, config):
    steps = sections['data']['train']['source']['pipeline']
    steps[:] = [step for step in steps if step['type'] != 'Normalize']
    for use in (lambda cfg: whole_image_maps.check(cfg, made=False), make):
        with pytest.raises(ConfigError, match='source.encoder_maps needs .* one Normalize, got'):
            use(config(sections))


@pytest.mark.parametrize('note', [None, '', '[]', '{"variant'])
def test_maps_of_an_unknown_encoder(sections, config, tmp_path, note):
    cfg = config(sections)
    make(cfg)
    about = tmp_path / 'maps/target/encoder.json'
    about.unlink() if note is None else about.write_text(note)
    for use in (whole_image_maps.check, make):
        with pytest.raises(ConfigError, match='target does not say in encoder.json which encoder'):
            use(cfg)


@pytest.mark.parametrize('keys', [dict(type=None), dict(type='sam'), dict(checkpoint=None)])
def test_a_default_that_is_written_out_makes_no_other_encoder(sections, config, keys):
    make(config(sections))
    sections['uda']['regularizer']['encoder'].update(keys)
    whole_image_maps.check(config(sections))


def test_other_weights_in_a_file_of_the_same_name_and_size(sections, config, tmp_path):
    encoder = sections['uda']['regularizer']['encoder']
    network = build_image_encoder('vit_b', 32, encoder['encoder_args'])
    encoder['checkpoint'] = str(tmp_path / 'sam.pth')
    torch.save(network.state_dict(), encoder['checkpoint'])
    make(config(sections))
    with torch.no_grad():
        network.neck[1].weight.mul_(2)
    torch.save(network.state_dict(), encoder['checkpoint'])
    with pytest.raises(ConfigError, match='source are of the encoder .*sha256'):
        make(config(sections))
    for about in (tmp_path / 'maps').glob('*/encoder.json'):  # older versions kept no sum
        note = json.loads(about.read_text())
        del note['sha256']
        about.write_text(json.dumps(note))
    assert make(config(sections)) == 0


def test_maps_of_other_images_of_the_same_names(sections, config, data, tmp_path):
    make(config(sections))
    shutil.copytree(data / 'gta', tmp_path / 'other')
    sections['data']['train']['source']['data_root'] = str(tmp_path / 'other')
    for use in (whole_image_maps.check, make):
        with pytest.raises(ConfigError, match='maps/source are of the images in .*gta/images, the '
                                              'config has .*other/images: .*encoder.json'):
            use(config(sections))


def test_each_data_set_of_a_domain_needs_maps(sections, config):
    source = sections['data']['train']['source']
    other = {key: value for key, value in source.items() if key != 'encoder_maps'}
    sections['data']['train']['source'] = [source, other]
    with pytest.raises(ConfigError, match='source.1 has no encoder_maps, but data.train.source.0'):
        whole_image_maps.check(config(sections), made=False)


def test_the_published_sam_may_make_maps(sections, config):
    del sections['uda']['regularizer']
    sections['uda'].update(sam_model_registry='vit_t', sam_checkpoint='nowhere.pth')
    whole_image_maps.check(config(sections), made=False)


def encode(self, img):
    raise AssertionError('the encoder ran')


def test_a_training_with_maps_runs_no_encoder(sections, config, tmp_path, monkeypatch):
    cfg = config(sections)
    make(cfg)
    monkeypatch.setattr(FrozenSAMEncoder, 'forward', encode)
    sample = build_training_dataset(cfg, seed=0)[0]
    assert sample['encoder_map'].data.shape == sample['target_encoder_map'].data.shape == (16, 4, 4)
    assert not torch.equal(sample['encoder_map'].data, sample['target_encoder_map'].data)
    assert train(cfg, str(tmp_path / 'work'), CPU, evaluate=False).endswith('iter_4.pth')


def test_pseudo_labels_need_maps_of_the_target_alone(sections, config, tmp_path, monkeypatch):
    sections['uda'] = for_labels(sections)
    del sections['data']['train']['source']['encoder_maps']
    cfg = config(sections)
    assert make(cfg) == 4
    monkeypatch.setattr(FrozenSAMEncoder, 'forward', encode)
    assert train(cfg, str(tmp_path / 'work'), CPU, evaluate=False).endswith('iter_4.pth')


def test_a_training_makes_the_maps_that_are_missing(sections, config, tmp_path, caplog):
    cfg = config(sections)
    caplog.set_level('INFO', logger='mmseg')
    train(cfg, str(tmp_path / 'work'), CPU, evaluate=False)
    assert 'maps/source: 6 of 6 new maps' in caplog.text and make(cfg) == 0
    caplog.clear()
    train(cfg, str(tmp_path / 'again'), CPU, evaluate=False)
    assert 'new maps' not in caplog.text


def test_several_processes_need_the_maps(sections, config, monkeypatch):
    monkeypatch.setattr(whole_image_maps.distributed, 'world_size', lambda: 2)
    with pytest.raises(MissingFile, match='holds no maps: make'):
        whole_image_maps.prepare(config(sections), CPU, lambda line: None)


def test_a_training_stops_if_it_lacks_maps_or_has_those_of_another_encoder(sections, config,
                                                                           tmp_path):
    with pytest.raises(MissingFile, match='train.source.encoder_maps: .* holds no maps: make'):
        whole_image_maps.check(config(sections))
    make(config(sections))
    whole_image_maps.check(config(sections))
    about = json.loads((tmp_path / 'maps/target/encoder.json').read_text())
    assert about['input_size'] == 32
    sections['uda']['regularizer']['encoder']['input_size'] = 64
    for use in (whole_image_maps.check, make):
        with pytest.raises(ConfigError, match="the maps in .* are of the encoder .*_size': 32"):
            use(config(sections))


@pytest.fixture
def of_another_encoder(sections, config):
    """Config whose maps are of another encoder."""
    make(config(sections))
    sections['uda']['regularizer']['encoder']['input_size'] = 64
    return config(sections)


def test_a_dry_run_and_the_doctor_find_maps_of_another_encoder(of_another_encoder):
    with pytest.raises(ConfigError, match='the maps in .* are of the encoder'):
        check_building(of_another_encoder)
    finding, = examine_maps([of_another_encoder])
    assert 'are of the encoder' in finding.found and finding.file == of_another_encoder.filename


def test_without_maps_or_the_weights_a_dry_run_and_the_doctor_find_nothing(sections, config):
    for checkpoint in (None, 'nowhere.pth'):
        sections['uda']['regularizer']['encoder']['checkpoint'] = checkpoint
        check_building(config(sections))
        assert list(examine_maps([config(sections)])) == []
        sections['uda']['regularizer']['encoder']['checkpoint'] = None
        make(config(sections))


@pytest.mark.parametrize('refuses', [
    lambda cfg: whole_image_maps.check(cfg, made=False), lambda cfg: make(cfg)])
@pytest.mark.parametrize('change, message', [
    (lambda sections: sections['data']['train']['target'].update(encoder_maps=__file__),
     '.py is a file: give the path of a folder'),
    (lambda sections: sections['data']['train']['target'].pop('encoder_maps'),
     'only data.train.source has encoder_maps'),
    (lambda sections: sections['data']['train'].update(sync_crop_size=(16, 16)),
     'encoder_maps cannot be cut by data.train.sync_crop_size'),
    (lambda sections: sections.update(uda=dict(type='DACS')), 'encoder_maps need an encoder'),
    (lambda sections: sections['uda'].update(mixed_maps='encoded'),
     "of a random encoder .* need uda.mixed_maps='composed'"),
    (lambda sections: sections.update(uda=for_labels(sections)),
     'pseudo_label_encoder sees target images alone')])
def test_maps_that_do_not_fit_the_config(sections, config, change, message, refuses):
    change(sections)
    with pytest.raises(ConfigError, match=message):
        refuses(config(sections))


def test_no_data_set_asks_for_maps(data, config):
    whole_image_maps.check(config(ssr_config(data)))
    whole_image_maps.check(config(dict(supervised_config(data), data={})))
    with pytest.raises(ConfigError, match="give data.train.source and data.train.target encoder_m"):
        make(config(ssr_config(data)))
