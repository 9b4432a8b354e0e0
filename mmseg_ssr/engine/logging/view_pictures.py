"""Pictures of the views that a method trains on, drawn at an interval."""
import contextlib
import gc
import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Dict, List, Optional

import numpy as np
import torch
from mmcv.runner import Hook
from torch.utils.data import Dataset

from ... import distributed
from ...errors import said
from ...uda.view_record import Record, recorded_views
from ...utils.atomic_file import make_folder, write_atomic
from ...visualization.views import ViewTiles, draw_class_shares, draw_views, encoded, stacked

#: Folder in the work directory.
FOLDER = 'debug'
#: Step in rows and columns between the label pixels that class statistics look at.
STRIDE = 4


class SeenClasses:
    """Counts of the source images that hold each class, over the training so far.

    Args:
        dataset: data set of the training, or None. The probabilities of its rare class sampling
            are shown too, if it has one.
    """

    def __init__(self, dataset: Optional[Dataset] = None):
        self.sampler = getattr(dataset, 'sampler', None)
        self.images = 0
        self._seen = np.zeros(256, np.int64)

    def count(self, label: torch.Tensor) -> None:
        """Count the labels of a batch, B x 1 x H x W."""
        for one in label[..., ::STRIDE, ::STRIDE]:
            self._seen[np.unique(one.cpu().numpy())] += 1
            self.images += 1

    def shares(self, classes: List[str]) -> Dict[str, np.ndarray]:
        """Return name -> K shares, for :func:`~mmseg_ssr.visualization.views.draw_class_shares`."""
        shares = {'share of the source images that hold it':
                  self._seen[:len(classes)] / max(1, self.images)}
        if self.sampler is not None:
            shares['probability of being drawn (rare class sampling)'] = \
                self.sampler.all_probabilities(len(classes))
        return shares


class ViewPictures(Hook):
    """Hook that writes ``debug/iter_N.png`` every ``interval`` iterations, on a thread of its own.

    A picture shows the source image with its label, the target image with pseudo-label and weight,
    and the mixed and masked images with label and weight. For each class, it shows the share of
    source images so far that hold the class, beside the probability in rare class sampling. The
    training waits for copies of the tensors, but not for the drawing. Its numbers stay the same to
    the bit. An error is logged and does not stop the training.

    Args:
        interval: number of iterations between two pictures, at least 1.
        dataset: data set of the training, see :class:`SeenClasses`.
    """

    def __init__(self, interval: int, dataset: Optional[Dataset] = None):
        self.interval = interval
        self.classes = SeenClasses(dataset)
        self._block: Optional[contextlib.ExitStack] = None
        self._records: List[Record] = []
        self._thread: Optional[ThreadPoolExecutor] = None

    def before_run(self, runner: Any) -> None:
        if distributed.rank() == 0:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix='debug panels')

    def before_train_iter(self, runner: Any) -> None:
        if self._thread is not None and self.every_n_iters(runner, self.interval):
            self._block = contextlib.ExitStack()
            self._records = self._block.enter_context(recorded_views(runner.bare_model))

    def after_train_iter(self, runner: Any) -> None:
        if self._thread is None:
            return
        self.classes.count(runner.data_batch['gt_semantic_seg'])
        if self._block is not None:
            self._block.close()
            self._block = None
            path = os.path.join(runner.work_dir, FOLDER, f'iter_{runner.iter + 1}.png')
            future = self._thread.submit(
                write_picture, self._records.pop(), path, runner.bare_model.CLASSES,
                runner.bare_model.PALETTE, self.classes.shares(runner.bare_model.CLASSES),
                f'source images {self.classes.images}')
            future.add_done_callback(lambda done: _report(done, path, runner))

    def after_run(self, runner: Any) -> None:
        if self._thread is not None:
            self._thread.shutdown()


def write_picture(record: Record, path: str, classes: List[str], palette: List[List[int]],
                 shares: Dict[str, np.ndarray], title: str) -> None:
    """Draw an iteration and write the picture, whole or not at all.

    Figures refer to themselves in cycles. They are large, so their memory is freed at once.
    """
    picture = draw_views(list(_tiles(record)), record.mean.numpy(), record.std.numpy(), classes,
                         palette)
    bars = draw_class_shares(shares, classes, title, picture.shape[1])
    make_folder(os.path.dirname(path))
    write_atomic(path, encoded(stacked([picture, bars])))
    gc.collect()


def _tiles(record: Record) -> List[ViewTiles]:
    tiles = []
    for name, view in record.views.items():
        if view.label is None and record.pseudo:
            continue  # the target images are shown with their pseudo-label
        label = None if view.label is None else view.label[:, 0].numpy()
        weight = None if view.weight is None else view.weight.numpy()
        tiles.append(ViewTiles(name, view.img.numpy(), label, weight))
        if name == 'source' and record.target_img is not None and record.pseudo:
            label, weight, _ = record.pseudo[0]
            tiles.append(ViewTiles('target', record.target_img.numpy(), label[:, 0].numpy(),
                                   weight.numpy(), 'pseudo-label'))
    return tiles


def _report(done: Future, path: str, runner: Any) -> None:
    error = done.exception()
    if error is not None:
        runner.logger.warning('%s is not written: %s', path, said(error))
