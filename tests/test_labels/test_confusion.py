import numpy as np
import pytest
import torch
from mmseg.core.evaluation.metrics import intersect_and_union

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.labels.confusion import areas, confusion_matrix


def test_rows_are_labels_and_columns_predictions():
    label = torch.tensor([[0, 0, 1, 255], [2, 2, 2, 255]], dtype=torch.uint8)
    prediction = torch.tensor([[0, 1, 1, 0], [0, 0, 2, 1]])
    matrix = confusion_matrix(prediction, label, 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [2, 0, 1]]
    assert matrix.dtype == torch.int64
    empty = torch.full_like(label, 255)
    assert confusion_matrix(prediction, empty, 3).sum() == 0


@pytest.mark.parametrize('dtype', [torch.uint8, torch.int32, torch.int64])
@pytest.mark.parametrize('num_classes, ignore_index', [(19, 255), (3, 0), (19, 254), (255, 255)])
def test_areas_are_mmsegs(num_classes, ignore_index, dtype):
    random = torch.Generator().manual_seed(0)
    label = torch.randint(0, num_classes, (37, 41), generator=random).to(torch.uint8)
    prediction = torch.randint(0, num_classes, (37, 41), generator=random)
    label[:9] = ignore_index
    expected = intersect_and_union(prediction.numpy(), label.numpy(), num_classes, ignore_index)
    matrix = confusion_matrix(prediction.to(dtype), label, num_classes, ignore_index)
    for own, theirs in zip(areas(matrix), expected):
        assert own.dtype == torch.float64 and own.tolist() == theirs.tolist()


def test_matrices_of_images_add_up():
    random = np.random.default_rng(0)
    label, prediction = (torch.from_numpy(random.integers(0, 5, (2, 8, 8), dtype=np.uint8))
                         for _ in range(2))
    parts = [confusion_matrix(p, t, 5) for p, t in zip(prediction, label)]
    assert torch.equal(sum(parts), confusion_matrix(prediction, label, 5))


def test_pixels_of_other_labels_do_not_count():
    label = torch.tensor([0, 1, 7, 200, 255], dtype=torch.uint8)
    assert confusion_matrix(torch.tensor([0, 1, 1, 1, 1]), label, 2).tolist() == [[1, 0], [0, 1]]


def test_a_class_too_many_is_an_error():
    label = torch.zeros(4, dtype=torch.uint8)
    with pytest.raises(ConfigError, match='predicts class 3, but the data set has 3 classes'):
        confusion_matrix(torch.tensor([0, 1, 2, 3]), label, 3)
