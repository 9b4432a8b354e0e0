"""The start of a training: a checkpoint to resume, the seed, and errors at the start."""
import logging
import os
import re
import traceback
from typing import Callable, Dict, List, Optional

from mmcv import Config
from torch.utils.data import Dataset

from ... import distributed
from ...datasets.class_presence import absence
from ...errors import ConfigError, Meaning, is_wrong_value, said
from ...utils.device import lacks_memory
from ...weights import sha256
from ..checkpoint.files import Checkpoint, newest_readable, read_checkpoint
from ..checkpoint.pretrained import needed_weight_files
from ..checkpoint.random_state import draw_seed, set_seed
from ..checkpoint.weights import some
from ..config.saved import changed_keys
from ..logging.run_log import RunLog
from .runner import SelfTrainingRunner


def checkpoint_to_resume(cfg: Config, work_dir: str, resume_from: Optional[str],
                         log: RunLog) -> Optional[Checkpoint]:
    """Return the checkpoint to resume, or None.

    Raises:
        ConfigError: the checkpoint in ``work_dir`` was trained with another config.
    """
    if resume_from != 'auto':
        return Checkpoint(resume_from, read_checkpoint(resume_from)) if resume_from else None
    found = _newest(work_dir, log)
    config = found.content.get('meta', {}).get('config') if found else None
    # a resumed training does not use the weights that it once began with
    start = 'load_from', 'new_parts'
    changed = changed_keys(config, cfg, *start) if found else []
    if changed != []:
        where = f' in {some(changed)}' if changed else ''
        raise ConfigError(f'{found.path} was trained with another config than {cfg.filename} is '
                          f'now{where}: move {work_dir} away to begin anew, or go on with the '
                          'changed config by mmseg-ssr train CONFIG --work-dir DIR --resume-from '
                          'FILE')
    return found


def seed_training(cfg: Config, seed: Optional[int], deterministic: bool,
                  begun: Optional[Checkpoint]) -> int:
    """Seed all random generators and return the seed.

    A resumed training keeps its seed. A new one takes ``seed``, else the config's seed, else a
    drawn one.
    """
    chosen = cfg.get('seed') if seed is None else seed
    autotune = bool(cfg.get('cudnn_benchmark')) and chosen is None
    kept = begun.content.get('meta', {}).get('seed') if begun else None
    if seed is not None and kept is not None and seed != kept:
        raise ConfigError(f'{begun.path} was trained with seed {kept}, not {seed}: leave --seed '
                          'away to go on with it')
    chosen = kept if kept is not None else chosen
    chosen = distributed.from_first(draw_seed) if chosen is None else chosen
    if not isinstance(chosen, int) or not 0 <= chosen < 2**32:
        raise ConfigError(f'seed must be an integer in 0..{2**32 - 1}, got {chosen}')
    set_seed(chosen, deterministic or bool(cfg.get('deterministic')), autotune)
    return chosen


def image_counts(dataset: Dataset) -> Dict[str, int]:
    """Return the number of images of each part of the training's data."""
    parts = {name: getattr(dataset, name) for name in ('source', 'target')
             if hasattr(dataset, name)}
    return {name: len(part) for name, part in (parts or {'training': dataset}).items()}


def warn_of_absent_classes(dataset: Dataset, logger: logging.Logger) -> None:
    """Warn of classes that no label of the source holds."""
    line = absence(getattr(dataset, 'source', dataset))
    if line:
        logger.warning(line)


def compare_samples(begun: Checkpoint, runner: SelfTrainingRunner) -> None:
    """Warn if the batch size or the images have changed. They depend on more than the config."""
    meta, changes = begun.content['meta'], []
    before, now = meta.get('batch'), runner.meta['batch']
    if before not in (None, now):
        changes.append(f'batches of {before} images, this one has {now}')
    for part, count in runner.meta['images'].items():
        before = (meta.get('images') or {}).get(part, count)
        if before != count:
            changes.append(f'{before} {part} images, this one finds {count}')
    for change in changes:
        runner.logger.warning('%s was written by a training on %s: its iterations have other '
                              'samples', begun.path, change)


def weight_sums(cfg: Config) -> Dict[str, str]:
    """Return the SHA-256 sum of each file of frozen weights, by its key in the config.

    Weights of the model count if the feature distance uses them.
    """
    uda = cfg.get('uda') or {}
    frozen = [(key, file) for key, file in needed_weight_files(cfg)
              if key.startswith('uda.') or uda.get('imnet_feature_dist_lambda')]
    return distributed.from_first(
        lambda: {key: sha256(file) for key, file in frozen if os.path.isfile(file)})


def compare_weights(begun: Checkpoint, runner: SelfTrainingRunner) -> None:
    """Warn if a file holds other frozen weights than when the training began."""
    before = begun.content['meta'].get('weight_files') or {}
    for key, now in runner.meta['weight_files'].items():
        if before.get(key, now) != now:
            runner.logger.warning(
                '%s was written by a training with other weights in the file of %s: put that file '
                'back, or begin in a new folder, unless the training shall change in the middle',
                begun.path, key)
    runner.meta['weight_files'] = {**runner.meta['weight_files'], **before}


#: Text of an error of torch -> what mends it.
REMEDIES = {
    'Expected more than 1 value per channel': 'a batch norm gets one value per channel, as behind '
    'image pooling with one image: set data.samples_per_gpu to at least 2, turn the pooling off, '
    'or give that head norm_cfg=None',
    "cannot be multiplied|channels, but got|must match|Kernel size can't be greater|size mismatch":
    'a size in model or data does not fit the one before it: compare in_channels and in_index of '
    'the heads with the backbone, and the crop size with the strides'}


def remedy(error: BaseException, otherwise: str) -> str:
    """Return what mends an error of torch, or ``otherwise`` if that is unknown."""
    if lacks_memory(error):
        return 'lower data.samples_per_gpu or the size of the crops'
    return next((words for text, words in REMEDIES.items() if re.search(text, str(error))),
                otherwise)


def failed_start(cfg: Config, log: RunLog, has_worked: Callable[[], bool]) -> Meaning:
    """Explain an error before the end of the first iteration as a config that does not fit.

    A later error is a fault of the machine or of the program, so it is not explained. The
    traceback of an explained error is written to the log file.
    """

    def meaning(error: Exception) -> Optional[ConfigError]:
        if not is_wrong_value(error) or has_worked():
            return None
        if distributed.rank() == 0:
            with open(log.path, 'a', encoding='utf-8') as file:
                traceback.print_exc(file=file)
        told = remedy(error, 'the traceback shows which part of model or data it comes from')
        return ConfigError(f'{cfg.filename}: the first iteration fails, {said(error)}: {told} '
                           f'(traceback in {log.path})')

    return meaning


def _newest(work_dir: str, log: RunLog) -> Optional[Checkpoint]:
    """Return the newest checkpoint that can be read. Process 0 chooses it for all."""
    found: List[Optional[Checkpoint]] = []

    def choose() -> Optional[str]:
        found.append(newest_readable(work_dir, log.logger))
        return found[0] and found[0].path

    path = distributed.from_first(choose)
    if path is None or found:
        return found[0] if found else None
    return Checkpoint(path, read_checkpoint(path))
