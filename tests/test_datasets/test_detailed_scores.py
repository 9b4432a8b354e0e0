import re

import numpy as np
import pytest
import torch
from mmseg.datasets import CityscapesDataset, CustomDataset
from tiny_data import cityscapes_config

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.datasets.detailed_scores import DetailedScores, class_ious, mean_over

LABEL = np.array([[0, 0, 1, 2], [2, 2, 3, 255]], dtype=np.uint8)
PREDICTION = np.array([[0, 1, 1, 2], [1, 2, 1, 3]])
MATRIX = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 2, 0], [0, 1, 0, 0]])


class Labels(DetailedScores, CustomDataset):
    """Two images with the label above."""

    CLASSES, PALETTE = ('a', 'b', 'c', 'd'), [[0, 0, 0]] * 4
    class_groups = {'mIoU3': ('a', 'b', 'c'), 'mIoU4': CLASSES}

    def __init__(self):
        self.ignore_index = 255
        self.reduce_zero_label = False
        self.img_infos = [{}, {}]

    def get_gt_seg_map_by_idx(self, index):
        return LABEL

    def get_gt_seg_maps(self):
        return [LABEL, LABEL]

    def image_groups(self):
        return dict(first=[0], second=[1], none=[])


def test_ious_by_hand():
    np.testing.assert_allclose(class_ious(MATRIX), [1 / 2, 1 / 4, 2 / 3, 0])
    assert np.isnan(class_ious(np.zeros((2, 2)))).all()


def test_the_two_conventions_by_hand():
    # the pixel of class 3 is an error of class 1, unless it is ignored
    assert mean_over(MATRIX, [0, 1, 2]) == pytest.approx((1 / 2 + 1 / 4 + 2 / 3) / 3, abs=1e-4)
    assert mean_over(MATRIX, [0, 1, 2], ignore_others=True) == pytest.approx(
        (1 / 2 + 1 / 3 + 2 / 3) / 3, abs=1e-4)


def test_a_class_that_does_not_occur_is_left_out_of_the_mean():
    matrix = np.diag([3, 0, 5])
    assert mean_over(matrix, [0, 1, 2]) == 1


def test_scores_of_groups(capsys):
    dataset = Labels()
    results = dataset.pre_eval([PREDICTION, LABEL % 255], [0, 1])
    assert torch.is_tensor(results[0])
    values = dataset.evaluate(results, ['mIoU'])
    total = MATRIX + np.diag([2, 1, 3, 1])
    assert values['mIoU'] == pytest.approx(np.mean(class_ious(total)), abs=1e-4)
    assert values['mIoU3'] == mean_over(total, range(3))
    assert values['mIoU3.others_ignored'] == mean_over(total, range(3), True)
    assert values['mIoU.first'] == mean_over(MATRIX, range(4)) and values['mIoU.second'] == 1
    assert not {'mIoU4', 'mIoU.none'} & set(values)  # all classes; no images
    output = capsys.readouterr().out
    assert 'others ignored' in output and re.search('class .* first .* second .* all', output)


def test_the_sums_are_those_of_mmseg():
    dataset, plain = Labels(), CustomDataset.pre_eval
    with_matrices = dataset.evaluate(dataset.pre_eval([PREDICTION, PREDICTION], [0, 1]), 'mIoU',
                                     'silent')
    sums = plain(dataset, [PREDICTION, PREDICTION], [0, 1])
    without = CustomDataset.evaluate(dataset, sums, 'mIoU', 'silent')
    assert {name: with_matrices[name] for name in without} == pytest.approx(without, nan_ok=True)


def test_predictions_in_place_of_matrices(tmp_path):
    dataset = Labels()
    matrices = dataset.pre_eval([PREDICTION, PREDICTION], [0, 1])
    expected = dataset.evaluate(matrices, 'mIoU', 'silent')
    np.save(tmp_path / 'p.npy', PREDICTION)
    for results in ([PREDICTION] * 2, [str(tmp_path / 'p.npy')] * 2):
        assert dataset.evaluate(results, 'mIoU', 'silent') == pytest.approx(expected, nan_ok=True)


def test_other_metrics_alone_are_mmsegs():
    values = Labels().evaluate(Labels().pre_eval([LABEL % 255], [0]), ['mDice'], 'silent')
    assert 'mDice' in values and not any('3' in name for name in values)


def test_files_for_the_script_of_cityscapes_are_left_to_it(cityscapes, monkeypatch):
    dataset = build_dataset(cityscapes_config(cityscapes, type='CityscapesSynthiaDataset'))
    monkeypatch.setattr(CityscapesDataset, '_evaluate_cityscapes',
                        lambda self, results, logger, prefix: {'of': prefix})
    assert dataset.evaluate(['1.png'], ['cityscapes'], imgfile_prefix='out') == {'of': 'out'}
