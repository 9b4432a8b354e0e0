"""Equal networks and values in all training processes, checked at the start and at an interval."""
from typing import Any

from mmcv.runner import Hook

from ... import distributed
from ...errors import UserError
from ...uda.replicas import check_replicas


class ReplicaCheck(Hook):
    """Hook that compares the networks of all processes.

    It compares them after the first iteration, at an interval, and after the last iteration.

    Args:
        interval: number of iterations between two comparisons.
    """

    def __init__(self, interval: int):
        self.interval = interval
        self._first = True

    def after_train_iter(self, runner: Any) -> None:
        if self._first or self.every_n_iters(runner, self.interval) or self.is_last_iter(runner):
            check_replicas(runner.bare_model, f'after iteration {runner.iter + 1}')
        self._first = False


def check_agreement(**values: Any) -> None:
    """Check that all processes were started with the same values.

    Args:
        values: values by name, such as config, seed and number of images.

    Raises:
        UserError: a value differs. All processes raise it with the value's name.
    """
    by_process = distributed.values_of_all(values)
    for process, found in enumerate(by_process):
        for name, value in found.items():
            if value != by_process[0][name]:
                raise UserError(
                    f'process {process} has another {name.replace("_", " ")} than process 0: '
                    'start all of them with the same command on the same files')
