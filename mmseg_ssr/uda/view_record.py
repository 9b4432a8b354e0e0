"""The views of an iteration, seen while it runs; the step knows nothing of it."""
import contextlib
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import torch
from torch import Tensor

from ..utils.replaced import replaced
from .self_training import SelfTraining
from .views.view import Batch, PseudoLabel, View


class Record(NamedTuple):
    """Copies on the CPU of what one iteration is trained on.

    Attributes:
        mean, std: of the images' normalization, 1 x 3 x 1 x 1.
        views: by name: source, mix, target, masked, as far as the method has them, and own ones.
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
    labels: List[PseudoLabel] = []
    make_views, label = method.make_views, method.pseudo_labels

    def views(batch: Batch) -> List[View]:
        labels.clear()
        made = make_views(batch)
        records.append(Record(
            copied(batch.mean), copied(batch.std), {view.name: _copied(view) for view in made},
            copied(batch.target_img), [PseudoLabel(*map(copied, found)) for found in labels]))
        return made

    def labeled(*args: Any, **kwargs: Any) -> PseudoLabel:
        labels.append(label(*args, **kwargs))
        return labels[-1]

    with replaced(method, make_views=views, pseudo_labels=labeled):
        yield records


@torch.no_grad()
def next_views(method: SelfTraining, batch: Batch) -> Record:
    """The views of the method's next iteration; nothing is learned from them.

    Images, labels and masks are the very ones that :meth:`.SelfTraining.step` would train on. The
    weights stay as they are, so in later iterations than the first the pseudo-labels are not those
    of a training, whose teacher learns.
    """
    with recorded_views(method) as records:
        method.make_views(batch)
    method.iteration += 1
    return records[0]


def copied(value: Optional[Tensor]) -> Optional[Tensor]:
    """A copy on the CPU that nobody else writes to."""
    return None if value is None else value.detach().to('cpu', copy=True)


def _copied(view: View) -> View:
    return view._replace(img=copied(view.img), label=copied(view.label),
                         weight=copied(view.weight))
