import json
import math
import os

import pytest
import tiny_training
from mmcv import Config

from mmseg_ssr.engine.build import build_test_model
from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.checkpoint.weights import load_weights
from mmseg_ssr.engine.experiments.run import (
    finished_result,
    has_checkpoint,
    startup_test,
    train_and_test,
    write_json,
)
from mmseg_ssr.engine.experiments.run import test_checkpoint as score_checkpoint
from mmseg_ssr.engine.on_device import OnDevice
from mmseg_ssr.engine.testing.label_shift import corrected
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')


@pytest.fixture
def cfg(data, config):
    return config(tiny_training.ssr_config(data, 2))


def test_the_result_is_returned_and_found_again(cfg, tmp_path):
    folder = str(tmp_path / 'run')
    assert finished_result(folder, cfg) is None and not has_checkpoint(folder)
    result = train_and_test(cfg, folder, CPU, evaluate=False)
    assert finished_result(folder, cfg) == result
    assert result['iterations'] == 2 and result['seed'] == 3
    assert result['checkpoint'] == 'iter_2.pth'
    assert 0 <= result['mIoU'] <= 100 and result['mIoU'] == result['scores']['mIoU']
    assert 'IoU.road' in result['scores'] and result['peak_memory_mb'] > 100
    assert json.load(open(tmp_path / 'run' / 'result.json')) == result


def test_the_result_has_the_seed_that_was_drawn(data, config, tmp_path):
    sections = tiny_training.method_config(data, 1, source_only=True)
    del sections['seed']
    result = train_and_test(config(sections), str(tmp_path), CPU, evaluate=False)
    assert result['seed'] == read_checkpoint(str(tmp_path / 'iter_1.pth'))['meta']['seed'] >= 0


def test_a_result_of_another_config_does_not_count(cfg, tmp_path):
    train_and_test(cfg, str(tmp_path), CPU, evaluate=False)
    cfg.runner.max_iters = 3
    assert finished_result(str(tmp_path), cfg) is None
    cfg.runner.max_iters = 2
    cfg.optimizer.lr = 7.0
    assert finished_result(str(tmp_path), cfg) is None


def test_scores_of_corrected_predictions_stand_beside_the_plain_ones(data, config, tmp_path):
    cfg = config(dict(tiny_training.method_config(data, 2, source_only=True), label_shift=True))
    scores = train_and_test(cfg, str(tmp_path / 'run'), CPU, evaluate=False)['scores']
    plain = {name: value for name, value in scores.items() if not name.startswith('label-shift_')}
    shifted = {name: scores[f'label-shift_{name}'] for name in plain}
    assert len(scores) == 2 * len(plain) and shifted != pytest.approx(plain, nan_ok=True)

    checkpoint = str(tmp_path / 'run' / 'iter_2.pth')
    model = OnDevice(build_test_model(cfg), CPU)
    load_weights(model.module, checkpoint)
    corrected(cfg, model)
    cfg.label_shift = False
    for shift, expected in ((None, plain), (model.module.test_cfg['logit_shift'], shifted)):
        cfg.model.test_cfg.logit_shift = shift
        values, _ = score_checkpoint(cfg, checkpoint, str(tmp_path), CPU)
        assert values == pytest.approx(expected, nan_ok=True)


def test_the_startup_test_runs_everything_and_cleans_up(cfg, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg.runner.max_iters = 40000
    result = startup_test(cfg, CPU)
    assert result['seconds'] > 0 and result['peak_memory_mb'] > 100
    assert os.listdir(tmp_path / 'work_dirs') == []
    assert cfg.runner.max_iters == 40000


def test_scores_that_are_not_numbers_are_null_in_the_file_and_nan_again(tmp_path):
    cfg = Config(dict(total_iters=1))
    scores = {'IoU.train': math.nan, 'mIoU': 12.5}
    write_json(str(tmp_path / 'result.json'), dict(config=cfg.pretty_text, scores=scores))
    assert json.loads((tmp_path / 'result.json').read_text(),
                      parse_constant=pytest.fail)['scores'] == {'IoU.train': None, 'mIoU': 12.5}
    found = finished_result(str(tmp_path), cfg)['scores']
    assert math.isnan(found['IoU.train']) and found['mIoU'] == 12.5
