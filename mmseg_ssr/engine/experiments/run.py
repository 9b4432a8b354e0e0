"""Jobs that train, test the last checkpoint and store the result in the work directory."""
import contextlib
import copy
import json
import math
import os
import tempfile
import time
from typing import Any, Dict, Iterator, Optional, Tuple

import torch
from mmcv import Config

from ... import distributed
from ...errors import explained
from ...utils.atomic_file import make_folder, write_atomic
from ...utils.device import peak_memory_mb
from ...utils.paths import read_text
from ..build import build_test_dataset, build_test_model, limit_images
from ..checkpoint.files import checkpoints_in
from ..checkpoint.weights import load_weights
from ..config.faults import config_fault
from ..config.saved import config_text, same_config
from ..config.values import (
    experiment_name,
    max_iterations,
    prefetch_factor,
    workers,
)
from ..logging.run_log import full_disk, open_log
from ..on_device import OnDevice
from ..testing.evaluate import run_test, scores
from ..testing.label_shift import corrected
from ..training.train import train

RESULT = 'result.json'
#: Beginning of the names of scores that are corrected for the target's class frequencies.
LABEL_SHIFT = 'label-shift_'


def train_and_test(cfg: Config, work_dir: str, device: torch.device, seed: Optional[int] = None,
                   **options: Any) -> Dict[str, Any]:
    """Train, test the last checkpoint on ``data.test``, and write and return the result.

    Args:
        cfg, work_dir, device, seed, options: arguments of
            :func:`~mmseg_ssr.engine.training.train.train`.

    Returns:
        The content of ``result.json`` in ``work_dir``: name, seed, iterations, config, scores in
        percent, checkpoint, seconds and peak memory.
    """
    start = time.time()
    checkpoint = train(cfg, work_dir, device, seed, **options)
    trained = time.time()
    values, meta = test_checkpoint(cfg, checkpoint, work_dir, device,
                                   options.get('evaluation_images'))
    result = dict(
        name=experiment_name(cfg), seed=meta['seed'],
        iterations=max_iterations(cfg), config=config_text(cfg), mIoU=values['mIoU'], scores=values,
        checkpoint=os.path.basename(checkpoint), train_seconds=round(trained - start, 1),
        test_seconds=round(time.time() - trained, 1), peak_memory_mb=peak_memory_mb(device))
    if distributed.rank() == 0:
        with explained(full_disk(work_dir)):
            write_json(os.path.join(work_dir, RESULT), result)
    return result


def test_checkpoint(cfg: Config, checkpoint: str, work_dir: str, device: torch.device,
                    images: Optional[int] = None) -> Tuple[Dict[str, float], Dict[str, Any]]:
    """Score the student of a checkpoint on ``data.test``.

    Args:
        cfg: config with ``model`` and ``data.test``. With ``label_shift=True`` in it, predictions
            that are corrected for the class frequencies of the target are scored too.
        checkpoint: path of the file.
        work_dir: folder for the log.
        device: device of the model.
        images: number of images to score on. None takes all.

    Returns:
        Scores in percent by name, and the checkpoint's ``meta``. Names of scores of corrected
        predictions begin with ``label-shift_``.
    """
    with open_log(work_dir, cfg.get('log_level') or 'INFO') as log:
        dataset = limit_images(build_test_dataset(cfg), images)
        model = OnDevice(build_test_model(cfg), device)
        meta = load_weights(model.module, checkpoint)

        def score() -> Dict[str, float]:
            with explained(config_fault(cfg, 'data.test', 'cannot be tested on')):
                results = run_test(model, dataset, device, workers=workers(cfg),
                                   prefetch_factor=prefetch_factor(cfg))
                return distributed.from_first(lambda: scores(dataset, results, logger=log.logger))

        log.logger.info('test %s on %d images', checkpoint, len(dataset))
        values = score()
        if cfg.get('label_shift'):
            corrected(cfg, model, workers=workers(cfg), images=images)
            log.logger.info('the same, corrected for the class frequencies of the target')
            values.update({f'{LABEL_SHIFT}{name}': value for name, value in score().items()})
    return {name: round(100 * value, 2) for name, value in values.items()}, meta


def startup_test(cfg: Config, device: torch.device, seed: Optional[int] = None,
                 **options: Any) -> Dict[str, Any]:
    """Run everything for two iterations at full size, in a folder that is removed afterwards.

    It trains, scores two images, saves, resumes from the checkpoint, and tests it.

    Returns:
        ``seconds`` for all of it, and ``peak_memory_mb``.
    """
    start = time.time()
    cfg = copy.deepcopy(cfg)
    cfg.merge_from_dict(dict(
        runner=dict(max_iters=2), checkpoint_config=dict(interval=2, by_epoch=False),
        evaluation=dict(interval=2), log_config=dict(interval=1)))
    with _scratch_folder() as work_dir:
        train(cfg, work_dir, device, seed, evaluation_images=2, **options)
        options.update(resume_from='auto')
        result = train_and_test(cfg, work_dir, device, seed, evaluation_images=2, **options)
    return dict(seconds=round(time.time() - start, 1), peak_memory_mb=result['peak_memory_mb'])


@contextlib.contextmanager
def _scratch_folder() -> Iterator[str]:
    """Make a folder for all processes, and remove it after the last one is done."""
    with contextlib.ExitStack() as stack:
        def make() -> str:
            make_folder('work_dirs')
            return stack.enter_context(
                tempfile.TemporaryDirectory(prefix='startup-test-', dir='work_dirs'))

        yield distributed.from_first(make)
        distributed.wait_for_all()


def write_json(path: str, content: Dict[str, Any]) -> None:
    """Write scores to a JSON file. Scores that are NaN become null.

    The IoU of a class is NaN if the class is neither in labels nor predicted.

    Raises:
        OSError: see :func:`~mmseg_ssr.utils.atomic_file.write_atomic`.
    """
    text = json.dumps(_without_nan(content), indent=2, allow_nan=False)
    write_atomic(path, text.encode())


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _with_nan(scores: Dict[str, Optional[float]]) -> Dict[str, float]:
    return {name: math.nan if value is None else value for name, value in scores.items()}


def finished_result(work_dir: str, cfg: Config) -> Optional[Dict[str, Any]]:
    """Return the result in ``work_dir``, or None if it is damaged or has another config."""
    try:
        result = json.loads(read_text(os.path.join(work_dir, RESULT), 'result'))
        if not same_config(result['config'], cfg):
            return None
        return {**result, 'scores': _with_nan(result.get('scores', {}))}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def has_checkpoint(work_dir: str) -> bool:
    return bool(checkpoints_in(work_dir))
