"""The examples of docs/extending.md: each is trained for two iterations and has its effect."""
import csv
import json
import re
import shutil
from copy import deepcopy

import numpy as np
import pytest
import torch
from mmcv import ConfigDict
from mmseg.models.builder import SEGMENTORS
from tiny_training import ROOT, tiny_model

from mmseg_ssr.engine.build import build_training_dataset
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.regularizer import build_encoder
from mmseg_ssr.utils.device import pick_device

EXAMPLES = ROOT / 'docs' / 'examples'
PAGE = (ROOT / 'docs' / 'extending.md').read_text(encoding='utf-8')
#: Two iterations of a narrower network.
BRIEF = {
    'runner.max_iters': 2, 'log_config.interval': 1, 'report': False, 'data.workers_per_gpu': 0,
    'uda.debug_img_interval': 0, 'model.backbone.base_channels': 8, 'model.backbone.stem_channels':
    8, 'model.decode_head.in_channels': [8, 16, 32, 64], 'model.decode_head.channels': 16}


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))


@pytest.fixture(autouse=True)
def plain_layout(monkeypatch):
    """Laying the noted configs out prettily takes most of the time of a short training."""
    monkeypatch.setattr('mmcv.utils.config.FormatCode', lambda text, **style: (text, True))


def example(name, folder, **options):
    """The example's config, with two iterations on the folder of data."""
    cfg = load_config(str(EXAMPLES / f'{name}_config.py'), {**BRIEF, **options})
    for part in (cfg.data.train.source, cfg.data.train.target, cfg.data.val, cfg.data.test):
        part.data_root = part.data_root.replace('data/streets', str(folder)).replace(
            'data/drives', str(folder))
    return cfg


def train_lines(cfg, folder):
    """What a short training logs."""
    train(cfg, str(folder), pick_device('cpu'), evaluate=False)
    lines = map(json.loads, next(folder.glob('*.log.json')).read_text().splitlines())
    return [line for line in lines if line.get('mode') == 'train']


@pytest.mark.parametrize('path', sorted(set(EXAMPLES.glob('*.py')) - {EXAMPLES / 'ssr_step.py'}),
                         ids=lambda path: path.name)
def test_the_page_shows_the_files_as_they_are(path):
    shown = re.search(rf'`docs/examples/{path.name}`.*?\n\n```python\n(.*?)^```', PAGE, re.M | re.S)
    assert shown and shown.group(1) == path.read_text(encoding='utf-8')


def test_the_loss_term_is_logged_and_changes_gradients(data, tmp_path, method, batch):
    cfg = example('diversity', data)
    lines = train_lines(cfg, tmp_path)
    assert len(lines) == 2 and all(0 < line['target.loss_diversity'] < 0.1 for line in lines)
    assert all(line['loss'] == pytest.approx(
        sum(line[name] for name in line if 'loss_' in name), abs=1e-3) for line in lines)

    options = [dict(), dict(loss_terms=cfg.uda.loss_terms)]
    gradients = []
    for each in options:
        segmentor = method(model=ConfigDict(tiny_model()), imnet_feature_dist_lambda=0, **each)
        segmentor.train_step(deepcopy(batch), torch.optim.SGD(segmentor.parameters(), lr=0.))
        gradients.append(segmentor.model.decode_head.conv_seg.bias.grad)
    assert not torch.allclose(*gradients, rtol=1e-4)


def test_the_view_is_trained_on(data, tmp_path, method, batch):
    cfg = example('gray_view', data)
    lines = train_lines(cfg, tmp_path)
    assert len(lines) == 2 and all('gray.decode.loss_ce' in line for line in lines)

    logs = []
    for views in ([], cfg.uda.views, [dict(cfg.uda.views[0], weight=0.25)]):
        segmentor = method(model=ConfigDict(tiny_model()), imnet_feature_dist_lambda=0,
                           pseudo_threshold=0., views=views)
        sgd = torch.optim.SGD(segmentor.parameters(), lr=0.)
        torch.manual_seed(1)
        logs.append(segmentor.train_step(deepcopy(batch), sgd)['log_vars'])
    without, half, quarter = logs
    assert set(half) - set(without) == {'gray.decode.loss_ce', 'gray.decode.acc_seg'}
    assert half['gray.decode.loss_ce'] == pytest.approx(2 * quarter['gray.decode.loss_ce'])
    assert half['loss'] == pytest.approx(without['loss'] + half['gray.decode.loss_ce'])


def test_the_encoders_features_reach_the_regularizer(data, tmp_path):
    cfg = example('resnet_encoder', data)
    lines = train_lines(cfg, tmp_path)
    assert all({'enhanced.loss_ce', 'enhanced_mix.loss_ce'} <= set(line) for line in lines)

    ssr = SEGMENTORS.build(dict(cfg.uda, model=cfg.model, max_iters=2)).train()
    encoder = ssr.regularizer.encoder
    assert type(encoder).__name__ == 'FrozenResNet' and not list(encoder.parameters())
    img = torch.randn(1, 3, 128, 128)
    context = ssr.regularizer.encode(img)
    assert context.shape == (1, encoder.out_channels, 8, 8) and not context.requires_grad
    assert ssr.regularizer.projections['0'].in_features == encoder.out_channels == 256
    features = ssr.model.extract_feat(img)
    enhanced = ssr.regularizer(features, context)
    other = ssr.regularizer(features, torch.zeros_like(context))
    assert not any(torch.allclose(one, two) for one, two in zip(enhanced, other))


def test_the_encoder_reads_its_weights(tmp_path, monkeypatch):
    load_config(str(EXAMPLES / 'resnet_encoder_config.py'))
    import torchvision
    resnet = torchvision.models.resnet18(weights=None)
    torch.save(resnet.state_dict(), tmp_path / 'resnet18.pth')
    encoder = build_encoder(dict(type='resnet', depth=18, checkpoint=str(tmp_path /
                                                                         'resnet18.pth')))
    img = torch.randn(1, 3, 64, 64)
    stages = torch.nn.Sequential(*list(resnet.eval().children())[:7])
    torch.testing.assert_close(encoder(img), stages(img))


@pytest.fixture
def drives(data, tmp_path):
    """Images of Streets with labels, anyhow named, in a folder with a table."""
    folder = tmp_path / 'drives'
    folder.mkdir()
    rows = []
    images = sorted((data / 'gta' / 'images').glob('*.png'))
    for i, image in enumerate(images):
        row = dict(image=f'photo {i}.png', label=f'{i:x}_what.png',
                   weather='rain' if i % 2 else 'clear')
        shutil.copy(image, folder / row['image'])
        shutil.copy(data / 'gta' / 'labels' / image.name, folder / row['label'])
        rows.append(row)
    with open(folder / 'table.csv', 'w', newline='') as table:
        writer = csv.DictWriter(table, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_the_data_sets_classes_are_read(drives, tmp_path):
    cfg = example('table_dataset', drives)
    cfg.data.train.rare_class_sampling.min_pixels = 5
    lines = train_lines(cfg, tmp_path / 'run')
    assert all(line['decode.loss_ce'] > 0 and line['mix.decode.loss_ce'] >= 0 for line in lines)

    pairs = build_training_dataset(cfg, seed=0)
    assert list(pairs.CLASSES) == ['ground', 'construction', 'nature', 'traffic']
    pictures = [[info['filename'] for info in part.img_infos]
                for part in (pairs.source, pairs.target)]
    assert pictures == [['photo 0.png', 'photo 2.png', 'photo 4.png'],
                        ['photo 1.png', 'photo 3.png', 'photo 5.png']]
    seen = {int(value) for i in range(4) for value in pairs[i]['gt_semantic_seg'].data.unique()}
    assert {0, 1, 2} <= seen <= {0, 1, 2, 3, 255}
    ids = pairs.source.class_table.read(drives / '0_what.png')
    assert np.isin(ids, [0, 1, 2, 3, 255]).all()


def test_a_module_that_is_not_on_the_path_is_explained(tmp_path):
    config = tmp_path / 'config.py'
    config.write_text("custom_imports = dict(imports=['mmseg_ssr', 'not_on_the_path'])\n")
    with pytest.raises(ConfigError, match='not_on_the_path.*has to be in PYTHONPATH'):
        load_config(str(config))
