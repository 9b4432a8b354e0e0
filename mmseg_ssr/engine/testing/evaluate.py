"""Testing of a segmentor with mmseg's data sets, during and after training."""
import os
from typing import Any, Dict, List, Optional, Sequence

import cv2
import mmcv
import numpy as np
import torch
from mmseg.apis import single_gpu_test
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ... import distributed
from ...datasets.several_sets import SeveralSets
from ...errors import DataError
from ...labels.confusion import confusion_matrix
from ...utils.atomic_file import make_folder, write_atomic
from ...utils.parallel import progress_bar
from ...utils.replaced import replaced
from ..data_loader import test_loader
from ..on_device import OnDevice, to_device
from .inference import inference_options, predict_labels
from .labeled_images import LabeledImages, as_pre_eval, compares_itself
from .submission import prepare_formatting


def run_test(model: nn.Module,
             dataset: Dataset,
             device: torch.device,
             evaluate: bool = True,
             format_args: Optional[Dict[str, Any]] = None,
             show_dir: Optional[str] = None,
             opacity: float = 0.5,
             workers: int = 0,
             prefetch_factor: Optional[int] = None) -> Optional[List[Any]]:
    """Predict every image of ``dataset`` with a progress bar. Several processes share the images.

    Of several sets, each is predicted for itself.

    Args:
        model: a segmentor. Its ``test_cfg`` says how it predicts
            (:func:`~mmseg_ssr.engine.testing.inference.inference_options`).
        dataset: data set of the images.
        device: device of the model.
        evaluate: compare each prediction with its label and return the counts.
        format_args: arguments of the data set's ``format_results``. If they are given, it writes
            the predictions, and the file names are returned.
        show_dir: folder for the images with their predictions painted over them.
        opacity: opacity of the painted predictions, in (0, 1].
        workers: number of processes that load data.
        prefetch_factor: number of batches that each of them reads ahead.

    Returns:
        One entry per image: counts (see :func:`count`), a file name, or a prediction (H x W, train
        ids). None on all processes but the first.
    """
    model = model if isinstance(model, OnDevice) else OnDevice(model, device)
    if isinstance(dataset, SeveralSets):
        return _test_each(dataset, format_args, show_dir, model=model, device=device,
                          evaluate=evaluate, opacity=opacity, workers=workers,
                          prefetch_factor=prefetch_factor)
    prepare_formatting(dataset)
    model.module.CLASSES, model.module.PALETTE = dataset.CLASSES, dataset.PALETTE
    loading = dict(workers=workers, device=device, prefetch_factor=prefetch_factor)
    evaluate = evaluate and format_args is None
    with torch.inference_mode():
        if evaluate and show_dir is None:
            results = count(model, evaluation_loader(dataset, **loading))
        else:
            with inference_options(model.module), replaced(mmcv, imwrite=_write_picture):
                results = single_gpu_test(
                    model, test_loader(dataset, **loading), out_dir=show_dir, opacity=opacity,
                    pre_eval=evaluate, format_only=format_args is not None,
                    format_args=format_args or {})
    of_all = distributed.gather(results)
    return of_all and in_order(of_all)


def _write_picture(picture: np.ndarray, path: str, *_: Any, **__: Any) -> None:
    """Write a picture as ``mmcv.imwrite`` does, but whole or not at all."""
    make_folder(os.path.dirname(path))
    write_atomic(path, cv2.imencode(os.path.splitext(path)[1], picture)[1].tobytes())


def _test_each(datasets: SeveralSets, format_args: Optional[Dict[str, Any]],
               show_dir: Optional[str], **options: Any) -> Optional[List[Any]]:
    """Do the work of :func:`run_test` for each set. The files of set i go to a folder ``i``."""
    results: List[Any] = []
    for number, dataset in enumerate(datasets.datasets):
        inner = None if format_args is None else dict(
            format_args, imgfile_prefix=os.path.join(format_args['imgfile_prefix'], str(number)))
        results += run_test(
            dataset=dataset, format_args=inner,
            show_dir=show_dir and os.path.join(show_dir, str(number)), **options) or []
    return results if distributed.rank() == 0 else None


def in_order(results: Sequence[List[Any]]) -> List[Any]:
    """Sort the results of N processes, each with every N-th image, into the data set's order."""
    images = sum(len(part) for part in results)
    return [results[i % len(results)][i // len(results)] for i in range(images)]


def evaluation_loader(dataset: Dataset, workers: int = 0, device: Optional[torch.device] = None,
                      prefetch_factor: Optional[int] = None) -> DataLoader:
    """Return a loader of images with labels, or without if the data set's ``pre_eval`` reads them.

    Args:
        dataset, workers, device, prefetch_factor: see
            :func:`~mmseg_ssr.engine.data_loader.test_loader`.
    """
    images = dataset if compares_itself(dataset) else LabeledImages(dataset)
    return test_loader(images, workers, device, prefetch_factor)


def count(model: OnDevice, loader: DataLoader) -> List[Any]:
    """Compare the predictions for all images of the loader with their labels.

    The loader's workers read the labels, and the model's device compares them.

    Args:
        model: the segmentor.
        loader: see :func:`evaluation_loader`.

    Returns:
        A confusion matrix for each image, in the loader's order: K x K, int64, on the CPU (rows:
        labels). The matrices may be summed over images and processes. If the data set has its own
        ``pre_eval``, its results are returned instead.
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
    """Print the table of scores and return the data set's metrics as shares of 1.

    Their names are ``mIoU``, ``IoU.road`` and so on.
    """
    values = dataset.evaluate(as_pre_eval(dataset, results), metric=list(metric), logger=logger,
                              **options)
    return {name: float(value) for name, value in values.items()}
