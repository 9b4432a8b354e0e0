import json

import pytest
import torch
from mmcv import Config
from tiny_training import ssr_config

from mmseg_ssr.errors import ConfigError, MissingFile

TOOL = 'tools/probe_encoders.py'
NAMES = {f'{domain}_{measure}' for domain in ('source', 'target')
         for measure in ('accuracy', 'mIoU')}


def test_encoders_and_a_student_side_by_side(tool, untrained, tmp_path, capsys):
    tool(TOOL).main(['--images', '2', '--steps', '50', '--json', str(tmp_path / 'probe.json'),
                     '--student', str(untrained)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(' | ')[0] for line in lines[2:]] == [
        '| mini SAM', '| random encoder', f'| student {untrained}']
    scores = json.loads((tmp_path / 'probe.json').read_text())
    for (run, ) in scores.values():
        assert set(run) == NAMES and all(0 <= value <= 100 for value in run.values())
    assert scores['mini SAM'] != scores['random encoder']


def test_a_configs_encoder_and_backbone_on_its_own_data(tool, data, config_file, tmp_path):
    tool(TOOL).main([config_file(ssr_config(data)), '--images', '2', '--steps', '20',
                     '--seeds', '2', '--json', str(tmp_path / 'probe.json')])
    scores = json.loads((tmp_path / 'probe.json').read_text())
    assert list(scores) == ['encoder at 32', 'random encoder at 32', "student's backbone",
                            'mini SAM']
    assert all(len(runs) == 2 and set(runs[0]) == NAMES for runs in scores.values())


def test_the_random_encoder_is_measured_at_each_size_too(tool, data):
    cfg = Config(ssr_config(data))
    encoders = tool(TOOL).encoders_of(cfg, [16, 64])
    assert [encoder.input_size for encoder in list(encoders.values())[:4]] == [16, 64, 16, 64]
    assert list(encoders)[2:4] == ['random encoder at 16', 'random encoder at 64']
    weights = [encoder.network.neck[0].weight for encoder in list(encoders.values())[2:4]]
    assert torch.equal(*weights)


def test_images_are_spread_over_each_domain(tool, data, monkeypatch):
    """The last fifth of the source is new, and everything of the target."""
    cfg = Config(ssr_config(data))
    cfg.data.train.source.encoder_maps = 'of no interest here'
    module, seen = tool(TOOL), {}
    monkeypatch.setattr(module, 'read', lambda dataset: [info['filename'] for info
                                                         in dataset.img_infos])
    sources = module.read_domains(cfg, 1000)
    seen = module.read_domains(cfg, 2)
    assert seen['source'] == [sources['source'][0], sources['source'][-1]]
    assert seen['target_val'] == [sources['target_val'][0], sources['target_val'][-1]]
    assert len(sources['source']) == 5 and len(sources['source_val']) == 1
    assert not set(sources['source']) & set(sources['source_val'])


@pytest.mark.parametrize('domain', ['source', 'test'])
@pytest.mark.parametrize('several', [
    lambda config: [config],
    lambda config: dict(type='RepeatDataset', times=2, dataset=config, pipeline=[]),
    lambda config: dict(config, img_dir=2 * [config['img_dir']], ann_dir=2 * [config['ann_dir']])])
def test_a_config_has_one_data_set_of_each_domain(tool, data, domain, several):
    cfg = Config(ssr_config(data))
    place = cfg.data.train if domain == 'source' else cfg.data
    place[domain] = several(place[domain])
    with pytest.raises(ConfigError, match=f'{domain} has several parts or is rep|Give a list of'):
        tool(TOOL).read_domains(cfg, 1)


def test_an_input_size_of_0_is_no_default(tool, data):
    with pytest.raises(ConfigError, match='input_size .* got 0'):
        tool(TOOL).encoders_of(Config(ssr_config(data)), [0])


def test_the_published_key_of_sam_names_an_encoder(tool, data):
    cfg = Config(ssr_config(data))
    cfg.uda.regularizer = None
    cfg.uda.update(sam_model_registry='vit_t', sam_checkpoint='no/such.pth')
    with pytest.raises(MissingFile, match='no/such.pth'):
        tool(TOOL).encoders_of(cfg, [])


def test_bad_values(fails):
    assert '--input-size is for a config' in fails(TOOL, '--input-size', 64)
    assert '--images must be at least 1, got 0' in fails(TOOL, '--images', 0)
    assert '--json no/x.json: there is no folder no' in fails(TOOL, '--json', 'no/x.json')
    assert 'no/such.pth is missing' in fails(TOOL, '--weights', 'no/such.pth')
