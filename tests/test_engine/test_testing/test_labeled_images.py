import numpy as np
import pytest
import tiny_training
import torch
from mmseg.core.evaluation.metrics import intersect_and_union
from mmseg.datasets import CityscapesDataset, CustomDataset

from mmseg_ssr.datasets import CityscapesSynthiaDataset
from mmseg_ssr.engine.testing.evaluate import scores
from mmseg_ssr.engine.testing.labeled_images import LabeledImages, as_pre_eval, compares_itself
from mmseg_ssr.errors import DataError
from mmseg_ssr.labels.confusion import areas, confusion_matrix


class Own(CityscapesDataset):
    """Compares by itself, as a project of mmseg may."""

    def pre_eval(self, preds, indices):
        return [('own', index) for index in indices]


@pytest.fixture
def val(data):
    """Keyword arguments of the validation set."""
    config = tiny_training.streets_val(data)
    del config['type']
    return dict(config, test_mode=True)


def test_items_are_those_of_the_data_set_and_its_labels(val):
    dataset = CityscapesDataset(**val)
    images = LabeledImages(dataset)
    assert len(images) == 3
    for i in range(3):
        item = images[i]
        assert item['label'].dtype == torch.uint8
        assert np.array_equal(item['label'], dataset.get_gt_seg_map_by_idx(i))
        assert torch.equal(item['batch']['img'][0], dataset[i]['img'][0])


def test_class_zero_is_taken_out_as_mmseg_does(val):
    """Its ``reduce_zero_label``: of what is compared, class 0 is ignored, the others move down."""
    dataset = CustomDataset(
        **val, classes=[str(i) for i in range(18)], reduce_zero_label=True,
        img_suffix='_leftImg8bit.png', seg_map_suffix='_gtFine_labelTrainIds.png')
    prediction = np.random.default_rng(0).integers(0, 18, (32, 64))
    (expected, ) = dataset.pre_eval([prediction], [1])
    label = LabeledImages(dataset).label(1)
    own = areas(confusion_matrix(torch.from_numpy(prediction), label, 18))
    assert [list(a) for a in own] == [list(a) for a in expected] and own[3].sum() > 0
    assert label.unique().tolist()[-1] == 255 and 18 not in label


def test_labels_that_are_all_ignore_give_no_score(val):
    dataset = CityscapesDataset(**val)
    empty = torch.zeros(19, 19, dtype=torch.int64)
    told = 'nothing can be scored: all 2 labels in .*/gtFine/val are all ignore'
    for evaluate in (LabeledImages(dataset).evaluate, lambda results: scores(dataset, results)):
        with pytest.raises(DataError, match=told):
            evaluate([empty, empty])
    assert len(as_pre_eval(dataset, [empty, torch.eye(19, dtype=torch.int64)])) == 2


def test_scores_of_matrices_are_those_of_mmsegs_areas(val):
    dataset = CityscapesDataset(**val)
    predictions = [np.full((32, 64), i) for i in range(3)]
    matrices = [confusion_matrix(torch.from_numpy(p), LabeledImages(dataset).label(i), 19)
                for i, p in enumerate(predictions)]
    expected = dataset.evaluate(dataset.pre_eval(predictions, [0, 1, 2]))
    assert LabeledImages(dataset).evaluate(matrices) == pytest.approx(expected, nan_ok=True)


def test_a_data_set_may_compare_in_its_own_way(val):
    own, plain = Own(**val), CityscapesDataset(**val)
    assert compares_itself(own) and not compares_itself(plain)
    assert as_pre_eval(own, [('own', 0)]) == [('own', 0)]
    label = np.zeros((2, 2), np.uint8)
    four = intersect_and_union(label.astype(int), label, 19, 255)
    assert as_pre_eval(plain, [four])[0] is four


def test_a_data_set_of_this_package_takes_matrices(val):
    dataset = CityscapesSynthiaDataset(**val)
    assert not compares_itself(dataset)
    matrix = torch.eye(19)
    assert as_pre_eval(dataset, [matrix])[0] is matrix
