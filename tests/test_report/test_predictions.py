import math

import numpy as np
import pytest
import torch

from mmseg_ssr.report.gallery import best_and_worst
from mmseg_ssr.report.pictures import error_map, heat, pseudo_label_map
from mmseg_ssr.report.predictions import Checkpointed, Prediction, image_scores, spread
from mmseg_ssr.report.runs import read_run

CPU = torch.device('cpu')


def test_score_of_an_image_is_the_mean_over_the_classes_of_its_label():
    matrix = torch.tensor([[3, 1, 0], [0, 2, 2], [0, 0, 0]])  # class 2 is predicted, not labeled
    assert image_scores([matrix]) == pytest.approx([100 * (3 / 4 + 2 / 5) / 2])
    assert math.isnan(image_scores([torch.zeros(3, 3, dtype=torch.int64)])[0])


@pytest.mark.parametrize('scores, best, worst', [
    ([10., 50., math.nan, 30., 20., 40.], [1, 5], [0, 4]),
    ([10., 50., 30.], [1], [0]),
    ([7.], [0], [0]),
])
def test_best_and_worst(scores, best, worst):
    assert best_and_worst(scores, 2) == (best, worst)


def test_images_are_spread(data):
    class Names:
        def __init__(self):
            self.img_infos = list(range(10))

        def __len__(self):
            return len(self.img_infos)

    assert spread(Names(), 3).img_infos == [0, 4, 9]
    assert spread(Names(), 20).img_infos == spread(Names(), None).img_infos == list(range(10))


def test_predictions_are_the_networks(runs):
    trained = Checkpointed(read_run(str(runs.ssr)), CPU)
    matrices = trained.matrices()
    predictions = list(trained.predictions([2, 0]))
    for index, found in zip([2, 0], predictions):
        assert found.name == trained.dataset.img_infos[index]['filename']
        counted = found.truth != 255
        right = int((found.label == found.truth)[counted].sum())
        assert right == int(matrices[index].trace())
        assert found.image.shape == (*found.truth.shape, 3)
        assert found.confidence.shape == found.teacher_confidence.shape == found.truth.shape
        assert 1 / 19 <= found.confidence.min() <= found.confidence.max() <= 1
    assert not np.array_equal(predictions[0].confidence, predictions[0].teacher_confidence)


def test_source_only_has_no_teacher(runs):
    trained = Checkpointed(read_run(str(runs.source_only)), CPU, images=1)
    assert trained.teacher is None
    assert next(trained.predictions([0])).teacher_label is None


def test_maps_of_errors_and_trust():
    image = np.full((1, 3, 3), 100, np.uint8)
    truth, label = np.array([[0, 0, 255]], np.uint8), np.array([[0, 1, 1]])
    assert error_map(image, label, truth).tolist() == [[[178] * 3, [230, 40, 40], [0] * 3]]
    assert heat(np.array([[0., 1.]])).tolist() == [[[68, 1, 84], [253, 231, 36]]]
    prediction = Prediction('', image, truth, label, label, label, np.array([[.9, .99, .1]]))
    palette = [(100, 0, 0), (0, 100, 0)]
    assert pseudo_label_map(prediction, palette, .95).tolist() == [
        [[35, 0, 0], [0, 100, 0], [0, 35, 0]]]
    assert pseudo_label_map(prediction, palette, None).max() == 100
