"""The text log of a run."""
import contextlib
import logging
import os
import time
from typing import Iterator, NamedTuple

from mmcv.utils import get_logger

FORMAT = '%(asctime)s - %(levelname)s - %(message)s'


class RunLog(NamedTuple):
    logger: logging.Logger
    timestamp: str
    path: str


@contextlib.contextmanager
def open_log(work_dir: str, level: str = 'INFO') -> Iterator[RunLog]:
    """Log to ``<time>.log`` in ``work_dir`` besides the terminal, until the block ends.

    mmseg and mmcv log to the same logger; closing the file lets the next run of this process
    have its own.
    """
    os.makedirs(work_dir, exist_ok=True)
    timestamp = time.strftime('%Y%m%d_%H%M%S')
    path = os.path.join(work_dir, f'{timestamp}.log')
    logger = get_logger('mmseg', log_level=level)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter(FORMAT))
    handler.setLevel(level)
    logger.addHandler(handler)
    try:
        yield RunLog(logger, timestamp, path)
    finally:
        logger.removeHandler(handler)
        handler.close()
