"""What is kept of the runs of a page, and what is left out of it."""
import gc
import weakref

import pytest
import torch

from mmseg_ssr.report import sections
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
    return numbers


def test_one_run_after_the_other_is_in_memory(runs, no_drawing, together):
    three = [read_run(str(folder))._replace(name=name) for name, folder in (
        ('a', runs.source_only), ('b', runs.source_only), ('c', runs.ssr))]
    found, side_by_side, left_out = sections.examine(three, CPU, 2)
    assert [section.name for section in found] == ['a', 'b', 'c'] and left_out == []
    assert all(f'{name} ' in side_by_side[0].caption for name in 'abc')
    assert together == [1] * 6  # each for its section, and for the images side by side


def test_a_checkpoint_that_is_gone_in_the_meantime(runs, copied, no_drawing, monkeypatch):
    both = [read_run(str(runs.source_only)), read_run(str(copied))]
    monkeypatch.setattr(sections, '_with_regularization', lambda *args: [
        path.unlink() for path in copied.glob('*.pth')] and args[0])  # after it has been read
    found, side_by_side, left_out = sections.examine(both, CPU, 1)
    assert len(found) == 2 and side_by_side == []
    assert len(left_out) == 1 and left_out[0].startswith('images side by side: ')


def test_images_without_a_score_are_left_out(runs, monkeypatch):
    monkeypatch.setattr(sections, 'image_scores', lambda matrices: [float('nan')] * len(matrices))
    found, _, left_out = sections.examine([read_run(str(runs.source_only))], CPU, 1)
    assert found == [] and 'no label of the test images holds a class' in left_out[0]
