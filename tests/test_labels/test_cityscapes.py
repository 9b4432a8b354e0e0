from mmseg.datasets import CityscapesDataset

from mmseg_ssr.labels.cityscapes import CLASSES, LABEL_IDS, PALETTE, SIXTEEN, THIRTEEN


def test_names_and_colors_are_those_of_mmseg():
    assert CLASSES == CityscapesDataset.CLASSES
    assert [list(color) for color in PALETTE] == CityscapesDataset.PALETTE
    assert len(LABEL_IDS) == len(CLASSES) == 19


def test_the_subsets_are_those_of_the_papers():
    assert [CLASSES.index(name) for name in SIXTEEN] == [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18]
    assert [CLASSES.index(name) for name in THIRTEEN] == [
        0, 1, 2, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18]
