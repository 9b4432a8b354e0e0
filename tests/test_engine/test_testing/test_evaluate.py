import cv2
import numpy as np
import pytest
import tiny_training
import torch
from mmseg.apis import single_gpu_test

from mmseg_ssr.engine.build import build_test_dataset, build_test_model
from mmseg_ssr.engine.data_loader import test_loader
from mmseg_ssr.engine.on_device import OnDevice
from mmseg_ssr.engine.testing.evaluate import run_test, scores
from mmseg_ssr.engine.testing.options import set_inference_mode, set_inference_options
from mmseg_ssr.labels.confusion import areas
from mmseg_ssr.utils.device import pick_device

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


test_loader.__test__ = False
