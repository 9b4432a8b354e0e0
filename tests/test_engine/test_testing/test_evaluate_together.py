"""Two processes test every image once, and score as one does."""
import json

import numpy as np
import tiny_training
import torch

from mmseg_ssr import distributed
from mmseg_ssr.engine.build import build_test_dataset, build_test_model
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.experiments.run import startup_test, test_checkpoint, train_and_test
from mmseg_ssr.engine.testing.evaluate import in_order, run_test, scores
from mmseg_ssr.engine.training.train import train

CPU = torch.device('cpu')


def config_of(data, folder, **changes):
    sections = tiny_training.method_config(data, 2)
    sections.update(changes)
    return load_config(tiny_training.write_config(folder / f'{distributed.rank()}.py', sections))


def predict_all(data, folder, **options):
    torch.manual_seed(0)
    cfg = config_of(data, folder)
    return run_test(build_test_model(cfg), build_test_dataset(cfg), CPU, **options)


def test_every_image_is_tested_once_and_in_order(pair, data, tmp_path):
    first, second = pair(predict_all, data, tmp_path)
    alone = predict_all(data, tmp_path)
    assert second is None and len(first) == len(alone) == 3
    for own, expected in zip(first, alone):
        assert all(torch.equal(a, b) for a, b in zip(own, expected))
    dataset = build_test_dataset(config_of(data, tmp_path))
    assert scores(dataset, first) == scores(dataset, alone)


def predicted(data, folder):
    return predict_all(data, folder, evaluate=False, show_dir=str(folder / 'shown'))


def test_predictions_and_pictures(pair, data, tmp_path):
    first, _ = pair(predicted, data, tmp_path)
    pictures = {str(path.name): path.read_bytes() for path in (tmp_path / 'shown').rglob('*.png')}
    assert len(pictures) == 3
    for own, expected in zip(first, predicted(data, tmp_path)):
        assert np.array_equal(own, expected)
    assert pictures == {path.name: path.read_bytes()
                        for path in (tmp_path / 'shown').rglob('*.png')}


def test_results_are_put_in_order():
    assert in_order([[0, 3, 6], [1, 4], [2, 5]]) == list(range(7))
    assert in_order([[0], [], []]) == [0] and in_order([[], []]) == []


def evaluated(data, folder):
    cfg = config_of(data, folder, evaluation=dict(interval=1, save_best='mIoU'))
    return train(cfg, str(folder / 'run'), CPU)


def test_evaluation_during_training_and_the_best_checkpoint(pair, data, tmp_path):
    assert pair(evaluated, data, tmp_path) == [str(tmp_path / 'run' / 'iter_2.pth')] * 2
    log, = (tmp_path / 'run').glob('*.log.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    values = [line['mIoU'] for line in lines if line.get('mode') == 'val']
    best, = (tmp_path / 'run').glob('best_mIoU_iter_*.pth')
    assert len(values) == 2 and best.name == f'best_mIoU_iter_{1 + np.argmax(values)}.pth'
    alone, _ = test_checkpoint(config_of(data, tmp_path), str(tmp_path / 'run' / 'iter_2.pth'),
                               str(tmp_path / 'test'), CPU)
    assert round(100 * values[-1], 2) == alone['mIoU']


def whole_job(data, folder):
    cfg = config_of(data, folder)
    result = train_and_test(cfg, str(folder / 'job'), CPU)
    return result['mIoU'], startup_test(cfg, CPU)['seconds']


def test_training_test_and_result_of_a_job(pair, data, tmp_path, monkeypatch):
    (score, _), (other, _) = pair(whole_job, data, tmp_path)
    result = json.loads((tmp_path / 'job' / 'result.json').read_text())
    assert score == other == result['mIoU'] and result['checkpoint'] == 'iter_2.pth'


test_checkpoint.__test__ = False
