"""A record of the views of an iteration, taken while it runs. The step knows nothing of it."""
import contextlib
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import torch
from torch import Tensor

from ..utils.replaced import replaced
from .self_training import SelfTraining
from .views.view import Batch, PseudoLabel, View


class Record(NamedTuple):
    """Copies on the CPU of the data that one iteration is trained on.

    Attributes:
        mean, std: normalization of the images, 1 x 3 x 1 x 1.
        views: views of the method by name: source, mix, target, masked, and own ones.
        target_img: B x 3 x H x W, or None.
        pseudo: pseudo-labels of each teacher that labeled the target images, in turn.
    """
    mean: Tensor
    std: Tensor
    views: Dict[str, View]
    target_img: Optional[Tensor]
    pseudo: List[PseudoLabel]


@contextlib.contextmanager
def recorded_views(method: SelfTraining) -> Iterator[List[Record]]:
    """Record the views of each iteration of ``method`` within the block.

    Each iteration adds a record to the list. Recording computes nothing, draws nothing and changes
    no tensor, so the numbers of the training stay the same. Outside of such blocks it costs
    nothing.
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
    """Return the views of the method's next iteration, without learning from them.

    Images, labels and masks are those that :meth:`.SelfTraining.step` would train on. The weights
    stay as they are. So after the first iteration the pseudo-labels differ from those of a
    training, whose teacher learns.
    """
    with recorded_views(method) as records:
        method.make_views(batch)
    method.iteration += 1
    return records[0]


def copied(value: Optional[Tensor]) -> Optional[Tensor]:
    """Return a copy on the CPU that nobody else writes to."""
    return None if value is None else value.detach().to('cpu', copy=True)


def _copied(view: View) -> View:
    return view._replace(img=copied(view.img), label=copied(view.label),
                         weight=copied(view.weight), reference=copied(view.reference),
                         trusted=copied(view.trusted))
