"""Testing a segmentor through mmseg's data sets, during training and after it."""
import contextlib
import os
import re
from typing import Any, Dict, Iterator, List, Optional, Sequence

import torch
from mmcv import Config
from mmcv.runner import LoggerHook
from mmseg.apis import single_gpu_test
from mmseg.core import EvalHook
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ... import distributed
from ...errors import WRONG_VALUE, ConfigError, DataError, UserError, said
from ...labels.confusion import confusion_matrix
from ...utils.device import OnDevice, to_device
from ...utils.parallel import progress_bar
from ...utils.seeding import seeded
from ..config.values import segmentor_test_cfg
from ..data_loader import test_loader
from ..logging.run_log import explained_full_disk
from .inference import inference_options, predict_labels
from .labeled_images import LabeledImages, as_pre_eval, compares_itself
from .submission import prepare_formatting

#: Scales of mmseg's ``--aug-test``.
AUG_SCALES = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]


class EvaluationHook(EvalHook):
    """mmseg's evaluation during training, without a trace in the training's random numbers.

    One that a signal breaks off is made up for when the training is resumed. The log gives the
    training's iteration with the scores, where mmcv gives the number of images.

    Args:
        dataloader: see :func:`evaluation_loader`.
        options: as in mmseg's ``EvalHook``.

    Raises:
        ConfigError: ``data.val`` or ``evaluation`` do not fit the model.
    """

    def make_up(self, runner: Any) -> None:
        """Score and log what was broken off in the iteration that the runner is at."""
        self._do_evaluate(runner)
        for hook in runner.hooks:
            if isinstance(hook, LoggerHook):
                hook.log(runner)
        runner.log_buffer.clear()

    def before_train_iter(self, runner: Any) -> None:
        if runner.iter == 0:  # the evaluation before the training, which mmcv repeats on resuming
            super().before_train_iter(runner)

    def _do_evaluate(self, runner: Any) -> None:
        runner.evaluation_due = True
        # not in inference mode: what a network keeps for later would not do for training
        with seeded(runner.iter), runner.interruption.obeyed_at_once(), torch.no_grad(), \
                explained_evaluation():
            results = count(runner.model, self.dataloader)
        runner.evaluation_due = False
        runner.log_buffer.clear()
        runner.log_buffer.output['eval_iter_num'] = runner.iter + 1
        with explained_evaluation(), explained_full_disk(runner.work_dir):
            score = self.evaluate(runner, results)
        if self.save_best and score is not None:
            self._save_ckpt(runner, score)

    def evaluate(self, runner: Any, results: List[Any]) -> Optional[float]:
        # Counts are small: every process scores them, so that all log buffers stay alike.
        return super().evaluate(runner, in_order(distributed.values_of_all(results)))

    def _save_ckpt(self, runner: Any, key_score: float) -> None:
        """Save the best one, and remove the former best one then: mmcv does it before."""
        if distributed.rank() > 0:
            return
        former, self.best_ckpt_path = self.best_ckpt_path, None
        super()._save_ckpt(runner, key_score)
        if self.best_ckpt_path is None:  # not better
            self.best_ckpt_path = former
            return
        # its name is out of a checkpoint, which may be of another folder: that one's stays
        former = os.path.join(self.out_dir, os.path.basename(former or ''))
        if os.path.basename(former).startswith('best_') and former != self.best_ckpt_path:
            with contextlib.suppress(FileNotFoundError):
                os.remove(former)


@contextlib.contextmanager
def explained_evaluation() -> Iterator[None]:
    """What the libraries raise in an evaluation is a fault of what the config says of it.

    Raises:
        ConfigError: with the keys that may be meant.
    """
    try:
        yield
    except UserError:
        raise
    except WRONG_VALUE as error:
        raise ConfigError('the evaluation fails, do data.val, evaluation and model.test_cfg fit '
                          f'the model? {said(error)}') from error


def run_test(model: nn.Module,
             dataset: Dataset,
             device: torch.device,
             evaluate: bool = True,
             format_args: Optional[Dict[str, Any]] = None,
             show_dir: Optional[str] = None,
             opacity: float = 0.5,
             workers: int = 0,
             prefetch_factor: Optional[int] = None) -> Optional[List[Any]]:
    """Predict every image of ``dataset``, with a progress bar; several processes share them.

    Args:
        model: a segmentor; its ``test_cfg`` says how it predicts
            (:func:`~mmseg_ssr.engine.testing.inference.inference_options`).
        evaluate: compare each prediction with its label and return the counts.
        format_args: write predictions with the data set's ``format_results(**format_args)``
            and return the file names.
        show_dir: folder for the images with the prediction painted over them.
        workers, prefetch_factor: of the loader.

    Returns:
        One entry per image: counts (see :func:`count`), file name or prediction (H x W, train
        ids). None on all processes but the first.
    """
    model = model if isinstance(model, OnDevice) else OnDevice(model, device)
    prepare_formatting(dataset)
    model.module.CLASSES, model.module.PALETTE = dataset.CLASSES, dataset.PALETTE
    loading = dict(workers=workers, device=device, prefetch_factor=prefetch_factor)
    evaluate = evaluate and format_args is None
    with torch.inference_mode():
        if evaluate and show_dir is None:
            results = count(model, evaluation_loader(dataset, **loading))
        else:
            with inference_options(model.module):
                results = single_gpu_test(
                    model, test_loader(dataset, **loading), out_dir=show_dir, opacity=opacity,
                    pre_eval=evaluate, format_only=format_args is not None,
                    format_args=format_args or {})
    of_all = distributed.gather(results)
    return of_all and in_order(of_all)


def in_order(results: Sequence[List[Any]]) -> List[Any]:
    """Results of N processes, each of every N-th image, in the data set's order."""
    images = sum(len(part) for part in results)
    return [results[i % len(results)][i // len(results)] for i in range(images)]


def evaluation_loader(dataset: Dataset, workers: int = 0, device: Optional[torch.device] = None,
                      prefetch_factor: Optional[int] = None) -> DataLoader:
    """Images with their labels, or without where the data set's ``pre_eval`` reads them."""
    images = dataset if compares_itself(dataset) else LabeledImages(dataset)
    return test_loader(images, workers, device, prefetch_factor)


def count(model: OnDevice, loader: DataLoader) -> List[Any]:
    """Compare the predictions for all images of the loader with their labels.

    Labels are read beside the images, and predictions are compared where they are made.

    Args:
        loader: see :func:`evaluation_loader`.

    Returns:
        For each image, in the loader's order, a confusion matrix K x K, int64, on the CPU (rows:
        labels), which may be summed over images and processes; or what the data set's own
        ``pre_eval`` gives.
    """
    model.eval()
    dataset = loader.dataset
    labeled = isinstance(dataset, LabeledImages)
    results: List[Any] = []
    with inference_options(model.module):
        for indices, batch in zip(loader.batch_sampler, progress_bar('test')(loader, len(loader))):
            if labeled:
                results += _matrices(model, batch, dataset.dataset)
            else:
                results += dataset.pre_eval(model(return_loss=False, **batch), indices=indices)
    return results


def _matrices(model: OnDevice, batch: Dict[str, Any], dataset: Dataset) -> List[Tensor]:
    batch = to_device(batch, model.device)
    predictions = predict_labels(model.module, **batch['batch']).to(model.device)
    for prediction, label, meta in zip(predictions, batch['label'], batch['batch']['img_metas'][0]):
        if prediction.shape != label.shape:
            raise DataError(f'image {meta.get("filename")} is {_size(prediction)} pixels, its '
                            f'label {_size(label)}: they must be of one size')
    return [confusion_matrix(*pair, len(dataset.CLASSES), dataset.ignore_index).cpu()
            for pair in zip(predictions, batch['label'])]


def _size(image: Tensor) -> str:
    return f'{image.shape[1]} x {image.shape[0]}'


def scores(dataset: Dataset, results: Sequence[Any], metric: Sequence[str] = ('mIoU', ),
           logger: Any = None, **options: Any) -> Dict[str, float]:
    """The data set's metrics as shares of 1 (``mIoU``, ``IoU.road``, ...); prints the table."""
    values = dataset.evaluate(as_pre_eval(dataset, results), metric=list(metric), logger=logger,
                              **options)
    return {name: float(value) for name, value in values.items()}


def set_inference_mode(cfg: Config, mode: str) -> None:
    """``'whole'`` or ``'slide'`` inference whatever the config says; ``'same'`` changes nothing.

    Windows are as large as the training's crops and overlap by half.
    """
    if mode == 'same':
        return
    test_cfg = segmentor_test_cfg(cfg)
    test_cfg['mode'] = mode
    if mode == 'slide' and not test_cfg.get('crop_size'):
        train = (cfg.get('data') or {}).get('train')
        crop = (train.get('sync_crop_size') if isinstance(train, dict) else None
                ) or cfg.get('crop_size')
        if not isinstance(crop, (list, tuple)):
            raise ConfigError(f'{cfg.filename}: the mode slide needs the size of the windows: '
                              f'set crop_size = (height, width), got {crop!r}')
        test_cfg['crop_size'] = tuple(crop)
        test_cfg['stride'] = tuple(side // 2 for side in crop)


def set_inference_options(cfg: Config, amp: Optional[str] = None, compile: bool = False,
                          batched_slide: Optional[int] = None) -> None:
    """Change keys of ``test_cfg`` where an option is given, see :mod:`.inference`."""
    test_cfg = segmentor_test_cfg(cfg)
    if amp is not None:
        test_cfg['amp'] = dict(dtype=amp)
    if compile:
        test_cfg['compile'] = True
    if batched_slide is not None:
        test_cfg['batched_slide'] = batched_slide


def set_aug_test(cfg: Config) -> None:
    """Average over scales and flips (mmseg's ``--aug-test``)."""
    step = set_flip_test(cfg, '--aug-test')
    step['img_ratios'] = AUG_SCALES


def set_flip_test(cfg: Config, option: str = '--flip-test') -> Dict[str, Any]:
    """Average over each image and its mirror image; returns the pipeline's step that does it."""
    for step in cfg.data.test.pipeline:
        if step['type'] == 'MultiScaleFlipAug':
            step['flip'] = True
            return step
    raise ConfigError(f'{cfg.filename}: {option} needs a MultiScaleFlipAug in '
                      'data.test.pipeline')


def set_test_split(cfg: Config) -> None:
    """Test on the ``test`` split: the folder names of ``data.test`` with val replaced.

    Raises:
        ConfigError: neither is in the names.
    """
    names = []
    for key in ('img_dir', 'ann_dir', 'split'):
        if isinstance(cfg.data.test.get(key), str):
            parts = [re.sub(r'^val(?![a-z])', 'test', part)
                     for part in cfg.data.test[key].replace(os.sep, '/').split('/')]
            cfg.data.test[key] = '/'.join(parts)
            names += parts
    if not any(name.lower().startswith('test') for name in names):
        raise ConfigError(f'{cfg.filename}: --test-set replaces the name val in img_dir, ann_dir '
                          'and split of data.test by test, and there is none: name the folders of '
                          'the test set in the config')
