"""Random decisions of a plain segmentor, for each image of the batch."""
from typing import Any

from mmcv.runner import Hook

from ... import distributed
from ...uda import Draws


class ImageDraws(Hook):
    """Hook that begins the draws of each iteration, as a method does it by itself.

    Several processes together draw what one process draws for the whole batch.

    Args:
        draws: decisions that the segmentor follows.
    """

    def __init__(self, draws: Draws):
        self.draws = draws

    def before_train_iter(self, runner: Any) -> None:
        self.draws.start_iteration(
            runner.iter, distributed.rank() * len(runner.data_batch['img']))
