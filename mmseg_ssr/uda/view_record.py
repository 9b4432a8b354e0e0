"""The views of an iteration, seen while it runs; the step knows nothing of it."""
import contextlib
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import torch
from torch import Tensor

from ..utils.replaced import replaced
from .self_training import SelfTraining
from .views.pseudo_label import PseudoLabel
from .views.view import Batch, View


class Record(NamedTuple):
    """Copies on the CPU of what one iteration is trained on.

    Attributes:
        mean, std: of the images' normalization, 1 x 3 x 1 x 1.
        views: by name: source, mix, target, masked, as far as the method has them.
        target_img: B x 3 x H x W, or None.
        pseudo: those of each teacher that labeled the target images, in turn.
    """
    mean: Tensor
    std: Tensor
    views: Dict[str, View]
    target_img: Optional[Tensor]
    pseudo: List[PseudoLabel]


@contextlib.contextmanager
def recorded_views(method: SelfTraining) -> Iterator[List[Record]]:
    """Within the block each iteration of ``method`` adds a record of its views to the list.

    It computes nothing, draws nothing and changes no tensor: the numbers of the training are the
    same with and without. Outside of such blocks it costs nothing.
    """
    records: List[Record] = []
    make_views, make_labels = method._views, method._pseudo_label

    def views(batch: Batch) -> Iterator[View]:
        records.append(Record(copied(batch.mean), copied(batch.std), {},
                              copied(batch.target_img), []))
        for view in make_views(batch):
            records[-1].views[view.name] = _copied_view(view)
            yield view

    def labels(*args: Any, **kwargs: Any) -> PseudoLabel:
        found = make_labels(*args, **kwargs)
        records[-1].pseudo.append(PseudoLabel(*map(copied, found)))
        return found

    with replaced(method, _views=views, _pseudo_label=labels):
        yield records


@torch.no_grad()
def next_views(method: SelfTraining, batch: Batch) -> Record:
    """The views of the method's next iteration; nothing is learned from them.

    Images, labels and masks are the very ones that :meth:`.SelfTraining.step` would train on. The
    weights stay as they are, so in later iterations than the first the pseudo-labels are not those
    of a training, whose teacher learns.
    """
    with recorded_views(method) as records:
        # the whole passes: the student's backbone has random decisions of its own (HRDA's crops)
        for _ in method._passes(batch, update_teachers=False):
            pass
    method.iteration += 1
    return records[0]


def copied(value: Optional[Tensor]) -> Optional[Tensor]:
    """A copy on the CPU that nobody else writes to."""
    return None if value is None else value.detach().to('cpu', copy=True)


def _copied_view(view: View) -> View:
    return view._replace(img=copied(view.img), label=copied(view.label),
                         weight=copied(view.weight))
