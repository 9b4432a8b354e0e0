"""The text log of a run."""
import contextlib
import itertools
import logging
import os
import sys
import time
from typing import Iterator, List, NamedTuple, Optional, Tuple

from mmcv.utils import get_logger

from ... import distributed
from ...errors import NO_ROOM, Meaning, UnwritableFile, UserError, explained, unwritable
from ...utils.atomic_file import make_folder

FORMAT = '%(asctime)s - %(levelname)s - %(message)s'
#: What is added to the error for a file that a training cannot write.
GO_ON = ('; checkpoints are untouched: the same command with --resume-from auto goes on from the '
         'newest, or begins if there is none')


class RunLog(NamedTuple):
    logger: logging.Logger
    timestamp: str
    path: str


class LogFile(logging.FileHandler):
    """A log file that ends the run if it cannot be written. Python's logging would go on."""

    def handleError(self, record: logging.LogRecord) -> None:
        if isinstance(sys.exc_info()[1], OSError):
            raise
        super().handleError(record)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # reported already when the last line was written
            super().close()


@contextlib.contextmanager
def open_log(work_dir: str, level: str = 'INFO') -> Iterator[RunLog]:
    """Log to the terminal and to ``<time>.log`` in ``work_dir`` until the block ends.

    mmseg and mmcv log to the same logger. The file is closed at the end, so that the next run in
    this process has its own. Of several processes the first one logs. The others log only errors.

    Raises:
        UserError: the folder cannot be written to, or the disk is full for the log or for another
            file that the block writes.
    """
    logger = get_logger('mmseg', log_level=level)
    handlers: List[LogFile] = []

    def start() -> Tuple[str, str]:
        make_folder(work_dir)
        try:
            timestamp, handler = _new_file(work_dir)
        except OSError as error:
            raise unwritable(work_dir, error) from error
        handler.setFormatter(logging.Formatter(FORMAT))
        handler.setLevel(level)
        handlers.append(handler)
        return timestamp, handler.baseFilename

    log = RunLog(logger, *distributed.from_first(start))
    for handler in handlers:
        logger.addHandler(handler)
    if not handlers:
        logger.setLevel(logging.ERROR)
    try:
        with explained(full_disk(work_dir)):
            yield log
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()


def full_disk(work_dir: str) -> Meaning:
    """Explain an error of a full disk to the user, for :func:`~mmseg_ssr.errors.explained`."""

    def meaning(error: Exception) -> Optional[UserError]:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            error = unwritable(error.filename or f'a file in {work_dir}', error)
        if isinstance(error, UnwritableFile) and not str(error).endswith(GO_ON):
            return error.reworded(lambda line: line + GO_ON)
        return None

    return meaning


def _new_file(work_dir: str) -> Tuple[str, LogFile]:
    """Return (time, log) with a name of its own, even if two runs start in the same second."""
    start = time.strftime('%Y%m%d_%H%M%S')
    for number in itertools.count():
        timestamp = f'{start}_{number:02d}' if number else start
        with contextlib.suppress(FileExistsError):
            return timestamp, LogFile(os.path.join(work_dir, f'{timestamp}.log'), mode='x')
