import copy

import cv2
import numpy as np
import pytest
import tiny_training
import torch
from mmcv import Config
from mmseg.apis import single_gpu_test

from mmseg_ssr.engine.build import build_test_dataset, build_test_model
from mmseg_ssr.engine.data_loader import test_loader
from mmseg_ssr.engine.testing import evaluate as evaluation
from mmseg_ssr.engine.testing.evaluate import (
    run_test,
    scores,
    set_aug_test,
    set_inference_mode,
    set_inference_options,
    set_test_split,
)
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.labels.confusion import areas
from mmseg_ssr.utils.device import OnDevice, pick_device

CPU = pick_device('cpu')


@pytest.fixture
def cfg(data, config):
    return config(tiny_training.ssr_config(data))


@pytest.fixture
def dataset(cfg):
    return build_test_dataset(cfg)


def truth(dataset):
    return [dataset.get_gt_seg_map_by_idx(i) for i in range(len(dataset))]


class Oracle(torch.nn.Module):
    """Predicts the labels, with class ``wrong`` in place of road."""

    def __init__(self, labels, wrong=None):
        super().__init__()
        self.labels = [np.where(label == 255, 0, label) for label in labels]
        if wrong is not None:
            self.labels = [np.where(label == 0, wrong, label) for label in self.labels]

    def forward(self, img, img_metas, return_loss, **kwargs):
        return [self.labels.pop(0)]


def test_perfect_predictions_score_one(dataset):
    values = scores(dataset, run_test(Oracle(truth(dataset)), dataset, CPU))
    assert values['mIoU'] == 1 and values['IoU.road'] == 1 and type(values['mIoU']) is float


def test_a_class_that_is_never_found_scores_zero(dataset):
    values = scores(dataset, run_test(Oracle(truth(dataset), wrong=10), dataset, CPU))
    assert values['IoU.road'] == 0 and 0 < values['mIoU'] < 1


def test_counts_are_a_matrix_for_each_image(dataset):
    matrices = run_test(Oracle(truth(dataset), wrong=10), dataset, CPU)
    assert [matrix.shape for matrix in matrices] == [(19, 19)] * 3
    for matrix, label in zip(matrices, truth(dataset)):
        assert matrix.sum() == (label != 255).sum() and matrix[0, 10] == (label == 0).sum() > 0
    halves = scores(dataset, [sum(matrices[:2]), matrices[2]])
    assert halves == pytest.approx(scores(dataset, matrices), nan_ok=True)


@pytest.mark.parametrize('workers', [0, 2])
def test_scores_are_those_of_mmsegs_loop(dataset, cfg, workers):
    model = build_test_model(cfg)
    expected = single_gpu_test(OnDevice(model, CPU), test_loader(dataset), pre_eval=True)
    results = run_test(model, dataset, CPU, workers=workers, prefetch_factor=4 if workers else None)
    for own, theirs in zip(results, expected):
        assert [list(area) for area in areas(own)] == [list(area) for area in theirs]


def test_a_data_set_that_compares_itself_is_let(dataset):
    seen = []

    class Own(type(dataset)):
        def pre_eval(self, preds, indices):
            seen.append((preds[0].shape, indices))
            return super().pre_eval(preds, indices)

    labels = truth(dataset)
    dataset.__class__ = Own
    values = scores(dataset, run_test(Oracle(labels), dataset, CPU))
    assert seen == [((32, 64), [i]) for i in range(3)] and values['mIoU'] == 1


def test_options_of_test_cfg_are_followed(dataset, cfg, monkeypatch):
    set_inference_options(cfg, amp='bfloat16', compile=True, batched_slide=2)
    cfg.crop_size = (32, 32)
    set_inference_mode(cfg, 'slide')
    assert cfg.model.test_cfg == dict(
        mode='slide', crop_size=(32, 32), stride=(16, 16), batched_slide=2, compile=True,
        amp=dict(dtype='bfloat16'))
    monkeypatch.setattr(torch, 'compile', lambda function, **options: function)
    model, windows = build_test_model(cfg), []
    model.backbone.register_forward_pre_hook(lambda module, args: windows.append(
        (len(args[0]), torch.is_autocast_enabled('cpu'), torch.is_inference_mode_enabled())))
    run_test(model, dataset, CPU)
    assert windows == [(2, True, True), (1, True, True)] * 3
    windows.clear()
    run_test(model, dataset, CPU, evaluate=False)
    assert windows == [(2, True, True), (1, True, True)] * 3


def test_predictions_themselves(dataset, cfg):
    labels = run_test(build_test_model(cfg), dataset, CPU, evaluate=False)
    assert [label.shape for label in labels] == [label.shape for label in truth(dataset)]


def test_overlays(dataset, cfg, tmp_path):
    run_test(build_test_model(cfg), dataset, CPU, evaluate=False, show_dir=str(tmp_path))
    files = sorted(tmp_path.rglob('*.png'))
    assert len(files) == 3
    assert cv2.imread(str(files[0])).shape == (*truth(dataset)[0].shape, 3)


@pytest.mark.parametrize('options, value', [({}, 7), (dict(to_label_id=False), 0)])
def test_files_for_the_server(dataset, tmp_path, options, value):
    road = Oracle([np.zeros_like(label) for label in truth(dataset)])
    files = run_test(road, dataset, CPU,
                     format_args=dict(imgfile_prefix=str(tmp_path), **options))
    assert len(files) == 3
    label = cv2.imread(files[0], cv2.IMREAD_UNCHANGED)
    from PIL import Image
    written = Image.open(files[0])
    assert written.mode == 'P' and set(np.unique(np.array(written))) == {value}
    assert label.shape[:2] == truth(dataset)[0].shape
    assert files[0].endswith('_leftImg8bit.png')


def test_inference_modes(cfg):
    set_inference_mode(cfg, 'same')
    assert cfg.model.test_cfg.mode == 'whole'
    with pytest.raises(ConfigError, match='slide needs the size of the windows'):
        set_inference_mode(copy.deepcopy(cfg), 'slide')
    for odd in (dict(crop_size=512), dict(data=dict()), dict(data=dict(train=[cfg.data.train]))):
        other = Config(dict(dict(model=copy.deepcopy(cfg.model)), **odd))
        with pytest.raises(ConfigError, match='slide needs the size of the windows'):
            set_inference_mode(other, 'slide')
    cfg.crop_size = (32, 32)
    set_inference_mode(cfg, 'slide')
    assert cfg.model.test_cfg.mode == 'slide'
    assert cfg.model.test_cfg.crop_size == (32, 32) and cfg.model.test_cfg.stride == (16, 16)
    run_test(build_test_model(cfg), build_test_dataset(cfg), CPU)
    set_inference_mode(cfg, 'whole')
    assert cfg.model.test_cfg.mode == 'whole'


def test_options_go_where_the_segmentor_reads_them(cfg):
    old = copy.deepcopy(cfg)
    old.test_cfg = old.model.pop('test_cfg')
    method = copy.deepcopy(cfg)
    method.model = dict(cfg.uda, model=cfg.model)
    for config in (cfg, old, method):
        set_inference_options(config)
        assert build_test_model(config).test_cfg == dict(mode='whole')
        set_inference_options(config, amp='float16')
        assert build_test_model(config).test_cfg == dict(mode='whole', amp=dict(dtype='float16'))


def test_augmented_testing(cfg):
    set_aug_test(cfg)
    batch = build_test_dataset(cfg)[0]
    assert len(batch['img']) == 12  # six scales, with and without flip
    cfg.data.test.pipeline = [dict(type='LoadImageFromFile')]
    with pytest.raises(ConfigError, match='MultiScaleFlipAug'):
        set_aug_test(cfg)


def test_the_test_split(cfg):
    cfg.data.test.data_root = 'evaluation/data'
    set_test_split(cfg)
    assert cfg.data.test.img_dir == 'leftImg8bit/test' and cfg.data.test.ann_dir == 'gtFine/test'
    assert cfg.data.test.data_root == 'evaluation/data'


@pytest.mark.parametrize('folder, expected', [
    ('valley/val', 'valley/test'), ('rgb/val_day', 'rgb/test_day'), ('images/Test', 'images/Test')])
def test_the_name_val_alone_is_replaced(cfg, folder, expected):
    cfg.data.test.img_dir = folder
    set_test_split(cfg)
    assert cfg.data.test.img_dir == expected


def test_a_config_without_a_test_split(cfg):
    cfg.data.test.update(img_dir='images/validation', ann_dir='labels/validation')
    with pytest.raises(ConfigError, match='--test-set replaces the name val'):
        set_test_split(cfg)


def test_evaluation_during_training_leaves_no_trace(data, config, tmp_path):
    sections = tiny_training.method_config(data, 2)
    sections['evaluation']['interval'] = 1
    # A test pipeline that draws: what it draws must not be missing in the training.
    sections['data']['val']['pipeline'][1]['transforms'].insert(0, dict(type='RandomFlip'))
    cfg = config(sections)
    with_it, without = (
        torch.load(train(cfg, str(tmp_path / str(on)), CPU, evaluate=on), weights_only=True)
        for on in (True, False))
    for name, tensor in with_it['state_dict'].items():
        assert torch.equal(tensor, without['state_dict'][name])


def test_evaluation_during_training_is_not_in_inference_mode(data, config, tmp_path, monkeypatch):
    """What a network keeps from a forward pass must do for training as well."""
    seen = []
    monkeypatch.setattr(evaluation, 'predict_labels', lambda model, img, img_metas: seen.append(
        (model.training, torch.is_grad_enabled(), torch.is_inference_mode_enabled()))
        or torch.zeros(1, 32, 64).long())
    sections = tiny_training.supervised_config(data, 1)
    sections['evaluation']['interval'] = 1
    train(config(sections), str(tmp_path), CPU)
    assert seen == [(False, False, False)] * 3


test_loader.__test__ = False
