"""What is kept of the runs of a page, and what is left out of it."""
import gc
import weakref

import numpy as np
import pytest
import torch

from mmseg_ssr.report import gallery, sections
from mmseg_ssr.report.predictions import Checkpointed
from mmseg_ssr.report.runs import read_run

CPU = torch.device('cpu')


@pytest.fixture
def together(monkeypatch):
    """Numbers of runs whose checkpoints are in memory at once, each time that one is read."""
    alive, numbers = weakref.WeakSet(), []

    class Counted(Checkpointed):
        def __init__(self, *args):
            gc.collect()
            super().__init__(*args)
            alive.add(self)
            numbers.append(len(alive))

    monkeypatch.setattr(sections, 'Checkpointed', Counted)
    monkeypatch.setattr(gallery, 'Checkpointed', Counted)
    return numbers


def test_one_run_after_the_other_is_in_memory(runs, no_drawing, together):
    three = [read_run(str(folder))._replace(name=name) for name, folder in (
        ('a', runs.source_only), ('b', runs.source_only), ('c', runs.ssr))]
    found = sections.examine(three, CPU, 2)
    assert [section.name for section in found.sections] == ['a', 'b', 'c']
    assert found.left_out == [] and found.gallery.ranked_by == 'c'
    for strip in found.gallery.strips:
        captions = [picture.caption for picture in strip.pictures]
        assert captions[:2] == ['photograph', 'truth']
        assert [caption.split(':')[0] for caption in captions[2:]] == ['a', 'b', 'c']
    assert together == [1] * 6  # each for its section, and for the images side by side


def test_one_run_is_read_once_and_opens_with_its_own_images(runs, no_drawing, together):
    found = sections.examine([read_run(str(runs.source_only))], CPU, None)
    assert together == [1]
    assert [strip.title.split(':')[0] for strip in found.gallery.strips] == [
        'best', 'median', 'worst']
    section, = found.sections
    assert section.strips == [] and found.gallery.differing == ()


def test_a_checkpoint_that_is_gone_in_the_meantime(runs, copied, no_drawing, monkeypatch):
    both = [read_run(str(runs.source_only)), read_run(str(copied))]
    monkeypatch.setattr(sections, '_with_regularization', lambda *args: [
        path.unlink() for path in copied.glob('*.pth')] and args[0])  # after it has been read
    found = sections.examine(both, CPU, 1)
    assert len(found.sections) == 2
    assert len(found.left_out) == 1 and found.left_out[0].startswith('images side by side: ')
    assert found.gallery.ranked_by == 'ssr'  # its own images


def test_images_without_a_score_are_left_out(runs, monkeypatch):
    monkeypatch.setattr(sections, 'image_scores', lambda matrices: [float('nan')] * len(matrices))
    found = sections.examine([read_run(str(runs.source_only))], CPU, 1)
    assert found.sections == [] and found.gallery is None
    assert 'no label of the test images holds a class' in found.left_out[0]


def test_the_most_frequent_of_many_classes_are_confused():
    matrix = np.zeros((150, 150))
    matrix[149, 149], matrix[149, 3] = 60, 40
    matrix[:50, 0] = np.arange(50, 0, -1)  # 40 classes with most pixels: 149, and 0 to 38
    kept, names = sections._most_frequent(matrix, [str(i) for i in range(150)])
    assert names == [*map(str, range(39)), '149', 'other classes']
    assert kept.shape == (40, 41)
    assert kept[39, [3, 39, 40]].tolist() == [40, 60, 0] and kept[0, 0] == 50
    matrix[149, 140] = 7  # no label has this class
    kept, _ = sections._most_frequent(matrix, [str(i) for i in range(150)])
    assert kept[39, 40] == 7 and kept.sum(axis=1)[39] == 107


def test_caption_of_a_large_confusion_matrix(no_drawing):
    matrix = np.eye(150)
    matrix[3] = 0
    large = sections._confusion(matrix, [str(i) for i in range(150)])
    assert large.caption.endswith(', of the 40 most frequent classes')
    small = sections._confusion(np.eye(3), 'abc')
    assert small.caption.endswith('(column)')
