"""ADE20K: 150 classes whose labels begin at 1, through doctor, browse, training and report."""
import numpy as np
import pytest
import tiny_training
import torch
from mmcv import Config
from mmseg.datasets import ADE20KDataset
from PIL import Image

from mmseg_ssr.browse.views import browse
from mmseg_ssr.doctor import examine_datasets
from mmseg_ssr.engine.experiments.run import train_and_test
from mmseg_ssr.report.predictions import Checkpointed
from mmseg_ssr.report.runs import read_run
from mmseg_ssr.report.write import write_report

CPU = torch.device('cpu')
CLASSES = ADE20KDataset.CLASSES


@pytest.fixture
def cfg(layouts):
    model = tiny_training.tiny_model()
    model['decode_head']['num_classes'] = len(CLASSES)
    data = tiny_training.benchmark_data(layouts, 'ade20k_640x640').data
    return Config(dict(tiny_training.schedule(2), model=model, data=data, name='ade',
                       evaluation=dict(interval=1, metric='mIoU'),
                       log_config=dict(interval=1, hooks=[dict(type='ProgressLoggerHook')])))


def stored(layouts, split):
    """The values of all labels of a split: 0 is no class, 1 to 150 are classes."""
    folder = layouts / 'ade/ADEChallengeData2016/annotations' / split
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.iterdir())])


def expected_shares(values):
    """Class -> its share of the pixels that have a class."""
    return np.bincount(values.ravel(), minlength=151)[1:] / (values > 0).sum()


def test_doctor_counts_the_classes(cfg, layouts):
    reports = {report.key: report for report in examine_datasets([cfg])}
    assert set(reports) == {'data.train', 'data.val'}
    for key, split, published in (('data.train', 'training', '20210'),
                                  ('data.val', 'validation', '2000')):
        shares = list(reports[key].pixels.values())
        np.testing.assert_allclose(shares, expected_shares(stored(layouts, split)))
        titles = {finding.title: finding for finding in reports[key].findings}
        assert set(titles) == {'another number of images than published', 'a class never occurs'}
        expected = titles['another number of images than published'].expected
        assert expected == f'{published} images'


def test_doctor_finds_labels_that_would_be_shifted(cfg):
    cfg.data.train.pipeline[1].reduce_zero_label = False
    report = next(iter(examine_datasets([cfg])))
    finding, = report.findings
    assert finding.title == 'data set cannot be used'
    assert 'reduce_zero_label is True in ADE20KDataset and False' in finding.found


def test_browse_counts_the_classes(cfg, layouts, tmp_path):
    lines = list(browse(cfg, str(tmp_path / 'out'), CPU, 3, iterations=1))
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        'class_statistics.png', 'iter_1.png'}
    table = {line[:19].strip(): line[19:].split() for line in lines[-1 - len(CLASSES):-1]}
    training, validation = (expected_shares(stored(layouts, split))
                            for split in ('training', 'validation'))
    for name in ('road', 'sky', 'wall', 'flag'):
        i = CLASSES.index(name)
        assert table[name] == [f'{100 * one[i]:.2f}' for one in (training, validation)]


def test_the_report_shows_what_was_labeled(cfg, layouts, tmp_path):
    folder = str(tmp_path / 'run')
    train_and_test(cfg, folder, CPU)
    write_report([folder])
    text = (tmp_path / 'run/report.html').read_text()
    assert 'id="pictures"' in text and 'id="left-out"' not in text
    trained = Checkpointed(read_run(folder), CPU)
    values = stored(layouts, 'validation')
    for truth, value in zip((one.truth for one in trained.predictions(range(len(values)))),
                            values):
        np.testing.assert_array_equal(truth, np.where(value == 0, 255, value - 1))
    counted = sum(matrix.numpy() for matrix in trained.matrices()).sum(axis=1)
    np.testing.assert_array_equal(counted, np.bincount(values.ravel(), minlength=151)[1:])
