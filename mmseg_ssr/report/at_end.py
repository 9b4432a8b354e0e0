"""The report at the end of a training. Its errors never fail the training."""
import logging
from typing import Optional, Sequence

import torch
from mmcv import Config

from .. import distributed
from ..errors import said

#: Default number of test images to predict. It is small, so that the report takes seconds.
IMAGES = 12


def report_at_end(cfg: Config, work_dirs: Sequence[str], device: torch.device,
                  path: Optional[str] = None) -> Optional[str]:
    """Write the report of trainings that have ended, unless ``report=False``.

    One process writes, and the others wait. An error is only logged.

    Args:
        cfg: config of the trainings. ``report=dict(images=N)`` predicts N test images.
        work_dirs: work directories of the trainings.
        device: device that predicts.
        path: path of the page, see :func:`~mmseg_ssr.report.write.write_report`.

    Returns:
        The path of the page, or None if none was written.
    """
    options = cfg.get('report', True)
    if options is False:
        return None
    images = options.get('images', IMAGES) if isinstance(options, dict) else IMAGES
    return distributed.from_first(lambda: _write(work_dirs, path, device, images))


def _write(work_dirs: Sequence[str], path: Optional[str], device: torch.device,
           images: int) -> Optional[str]:
    try:
        from .write import write_report  # imported here, so that a missing package stops nothing
        return write_report(work_dirs, path, device, images)
    except Exception as error:  # whatever it is: a failed report must not fail the training
        logging.getLogger('mmseg').warning(
            'no report of %s: %s: %s', ', '.join(work_dirs), type(error).__name__, said(error))
        return None
