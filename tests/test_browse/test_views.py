"""The views before a training are those that it trains on."""
from copy import deepcopy

import numpy as np
import pytest
import tiny_training
import torch
from mmcv import Config
from tiny_networks import ARCHITECTURES

from mmseg_ssr.browse.views import browse, build_views_model, training_views
from mmseg_ssr.engine import whole_image_maps
from mmseg_ssr.engine.build import build_training_dataset
from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.data_loader import training_loader
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import CheckpointError, ConfigError, MissingFile
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')
SEED = 3  # of tiny_training's configs


def hrda_config(data):
    model = deepcopy(ARCHITECTURES['hrda_daformer'][0])
    # Gradients of so small a network explode: it normalizes single pixels. The views stay the same.
    sections = tiny_training.ssr_config(data)
    sections['uda']['not_finite'] = 'skip'
    return dict(sections, model=dict(model, hr_crop_size=[16, 16]))


def seen_before(cfg, iterations):
    model, _ = build_views_model(cfg, SEED)
    loader = training_loader(build_training_dataset(cfg, SEED), 2, iterations, SEED)
    return [record for _, record in training_views(model, loader, CPU)]


@pytest.fixture
def trained_on(config, tmp_path, monkeypatch):
    """Trains; the records of all its iterations."""

    def run(sections):
        records = []
        monkeypatch.setattr('mmseg_ssr.engine.logging.view_pictures.write_picture',
                            lambda record, *rest: records.append(record))
        sections['uda']['debug_img_interval'] = 1
        sections['runner'] = dict(type='IterBasedRunner', max_iters=2)
        train(config(sections), str(tmp_path / 'run'), CPU, evaluate=False)
        return records

    return run


def regularized_labels_config(data):
    sections = tiny_training.ssr_config(data)
    sections['uda']['pseudo_label_branch'] = 'regularized'
    return sections


def affinity_config(data):
    sections = tiny_training.ssr_config(data)
    sections['uda']['pseudo_label_affinity'] = 0.01
    return sections


@pytest.mark.parametrize('sections', [tiny_training.ssr_config, hrda_config,
                                      regularized_labels_config, affinity_config])
def test_views_are_those_of_the_training(data, config, trained_on, sections):
    expected = trained_on(sections(data))
    found = seen_before(config(sections(data)), 2)
    assert list(found[0].views) == ['source', 'mix', 'masked']
    for one, other in zip(expected, found):
        assert torch.equal(one.target_img, other.target_img)
        for name, view in one.views.items():
            assert torch.equal(view.img, other.views[name].img), name
    # labels and weights of the first iteration: then a training's teacher begins to learn
    for name, view in expected[0].views.items():
        assert torch.equal(view.label, found[0].views[name].label)
        assert view.weight is None or torch.equal(view.weight, found[0].views[name].weight)
    assert torch.equal(expected[0].pseudo[0].label, found[0].pseudo[0].label)


def test_a_checkpoint_labels_the_targets(data, config, untrained):
    cfg = config(dict(tiny_training.method_config(data)))
    model, notes = build_views_model(cfg, SEED, untrained)
    state = read_checkpoint(untrained)['state_dict']
    assert notes == [] and all(torch.equal(value, state[name]) for name, value
                               in model.teacher.network.state_dict().items())
    with pytest.raises(CheckpointError, match='holds no teacher'):
        build_views_model(cfg, SEED, untrained, 'teacher')


def test_weights_that_are_missing_are_said(data, config):
    sections = tiny_training.ssr_config(data)
    sections['uda']['regularizer']['encoder']['checkpoint'] = 'no_sam.pth'  # which no view needs
    cfg = config(sections)
    assert build_views_model(cfg, SEED)[1] == []
    cfg.model.pretrained, cfg.load_from = 'no_encoder.pth', 'no_start.pth'
    assert build_views_model(cfg, SEED)[1] == ['no_start.pth (load_from) is missing']
    cfg.load_from = None
    assert build_views_model(cfg, SEED)[1] == ['no_encoder.pth (model.pretrained) is missing']
    cfg.model.pretrained = None
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='no_encoder.pth')
    assert build_views_model(cfg, SEED)[1] == [
        'no_encoder.pth (model.backbone.init_cfg.checkpoint) is missing']
    assert cfg.uda.type == 'SSR' and 'regularizer' in cfg.uda  # a copy is changed
    cfg.model.backbone.init_cfg['checkpoint'] = 'https://nowhere.org/encoder.pth'
    with pytest.raises(ConfigError, match='would be downloaded'):
        build_views_model(cfg, SEED)


@pytest.mark.parametrize('sections, views', [
    (tiny_training.supervised_config, ['source']),
    (lambda data: tiny_training.method_config(data, source_only=True), ['source']),
    (lambda data: tiny_training.method_config(data, type='MinEnt', lambda_ent=0.001),
     ['source', 'target']),
])
def test_methods_without_pseudo_labels(data, config, sections, views):
    cfg = config(sections(data))
    record, = seen_before(cfg, 1)
    assert list(record.views) == views and record.pseudo == []
    batch = next(iter(training_loader(build_training_dataset(cfg, SEED), 2, 1, SEED)))
    assert torch.equal(record.views['source'].img, batch['img'])
    assert torch.equal(record.views['source'].label, batch['gt_semantic_seg'])


def test_maps_that_only_learning_needs_are_left_out(data, config, tmp_path):
    sections = tiny_training.ssr_config(data)
    sections['uda']['mixed_maps'] = 'composed'
    for domain in ('source', 'target'):
        sections['data']['train'][domain]['encoder_maps'] = str(tmp_path / domain)
    lines = list(browse(config(sections), str(tmp_path / 'out'), CPU, SEED, 1, draws=10))
    assert str(tmp_path / 'out/iter_1.png') in lines


def test_maps_that_pseudo_labels_need_must_be_there(data, config, tmp_path):
    sections = affinity_config(data)
    for domain in ('source', 'target'):
        sections['data']['train'][domain]['encoder_maps'] = str(tmp_path / domain)
    sections['uda']['mixed_maps'] = 'composed'  # the encoder of the tests has random weights
    cfg, out = config(sections), str(tmp_path / 'out')
    with pytest.raises(MissingFile, match='holds no maps: make the maps with mmseg-ssr encoder-ma'):
        next(browse(cfg, out, CPU, SEED, 1))
    assert len(list(browse(cfg, out, CPU, SEED, iterations=0, draws=10))) > 4
    whole_image_maps.make(cfg, CPU, print)
    assert f'{out}/iter_1.png' in list(browse(cfg, out, CPU, SEED, 1, draws=10))


def test_the_method_may_be_the_model_as_in_stock_mmseg(data):
    sections = tiny_training.ssr_config(data)
    uda, student = sections.pop('uda'), sections['model']
    cfg = Config(dict(sections, model=dict(uda, model=student, train_cfg=dict(), seed=SEED)))
    model, _ = build_views_model(cfg, SEED)
    assert model.regularizer is None and 'masked' in [maker.name for maker in model.view_makers]


def test_table_without_rare_class_sampling_and_validation(data, config, tmp_path):
    sections = tiny_training.supervised_config(data)
    sections['data']['val'] = None
    lines = list(browse(config(sections), str(tmp_path / 'out'), CPU, SEED, iterations=0))
    assert 'no data.val' in lines[0]
    assert 'no rare class sampling' in lines[2]
    assert lines[3].split() == ['in', 'percent', 'source', 'pixels']
    shares = np.array([float(line.split()[-1]) for line in lines[4:]])
    assert len(shares) == 19 and shares.sum() == pytest.approx(100, abs=0.1)
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['class_statistics.png']
