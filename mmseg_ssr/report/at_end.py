"""The report at the end of a training; whatever goes wrong with it, the training is done."""
import logging
from typing import Optional, Sequence

import torch
from mmcv import Config

from .. import distributed
from ..errors import said

#: Test images that are looked at when the config does not say: seconds, not another test.
IMAGES = 12


def report_at_end(cfg: Config, work_dirs: Sequence[str], device: torch.device,
                  path: Optional[str] = None) -> Optional[str]:
    """Write the report of trainings that have ended, unless ``report=False``.

    One process writes, the others wait. An error is logged and goes no further.

    Args:
        cfg: ``report=dict(images=N)`` predicts N test images, 0 none.
        path: see :func:`~mmseg_ssr.report.write.write_report`.

    Returns:
        The path of the page, None where there is none.
    """
    options = cfg.get('report', True)
    if options is False:
        return None
    images = options.get('images', IMAGES) if isinstance(options, dict) else IMAGES
    return distributed.from_first(lambda: _write(work_dirs, path, device, images))


def _write(work_dirs: Sequence[str], path: Optional[str], device: torch.device,
           images: int) -> Optional[str]:
    try:
        from .write import write_report  # here, where a missing package stops nothing either
        return write_report(work_dirs, path, device, images)
    except Exception as error:  # of any kind: nobody loses a training to its picture book
        logging.getLogger('mmseg').warning(
            'no report of %s: %s: %s', ', '.join(work_dirs), type(error).__name__, said(error))
        return None
