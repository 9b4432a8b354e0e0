"""Correction of predictions when class frequencies differ between source and target.

This is the inference adjustment of "Undoing the Damage of Label Shift for Cross-domain Semantic
Segmentation" (arXiv 2204.05546). A network that was trained on the source predicts p_s(y | x). If
images of a class look alike in both domains, p_t(y | x) is proportional to
p_s(y | x) p_t(y) / p_s(y). So each class gets a number that is added to its logit before the
softmax, log p_t(y) - log p_s(y): ``test_cfg.logit_shift`` (:mod:`.inference`).

As in the published code, priors count *images*, not pixels. A prior is the number of images that
hold a class, divided by the sum over the classes.
"""
import copy
import json
from typing import List, NamedTuple, Optional

import torch
from mmcv import Config
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ... import distributed
from ...datasets import build_dataset
from ...datasets.pipelines.encoder_maps import FOLDER
from ...datasets.source_statistics import source_counts
from ...datasets.target_config import target_config
from ...errors import DataError, UserError, explained
from ...utils.parallel import progress_bar
from ...utils.paths import read_text
from ..build import build_test_dataset, limit_images
from ..config.faults import config_fault
from ..config.values import datasets_in, split_configs
from ..data_loader import test_loader
from ..on_device import OnDevice, to_device
from .inference import inference_options, plain_segmentor


class SourcePriors(NamedTuple):
    """Frequencies of the K classes in the labels of the source."""
    images: Tensor  # K, number of images that hold the class
    pixels: Tensor  # K, share of all labeled pixels


def corrected(cfg: Config, model: OnDevice, target_priors: Optional[str] = None,
              workers: int = 0, images: Optional[int] = None) -> Tensor:
    """Let ``model`` predict with the correction from now on, and return the target's priors (K).

    Args:
        cfg: config of the model's training.
        model: a trained segmentor.
        target_priors: JSON file, see :func:`read_priors`. None estimates the priors.
        workers: number of processes that load data.
        images: number of images to estimate the priors from. None takes all.
    """
    source = distributed.from_first(lambda: source_priors(cfg))
    if target_priors is None:
        loader = test_loader(limit_images(target_images(cfg), images), workers, model.device)
        target = estimated_priors(model, loader, source)
    else:
        target = read_priors(target_priors, len(source.images))
    plain_segmentor(model.module).test_cfg['logit_shift'] = logit_shift(source.images, target)
    return target


def source_priors(cfg: Config) -> SourcePriors:
    """Return the priors of ``data.train.source`` (or ``data.train``), from its class statistics.

    Raises:
        ConfigError, MissingFile, DataError: see
            :func:`~mmseg_ssr.datasets.source_statistics.source_counts`.
    """
    source = cfg.data.get('train') or {}
    source = source.get('source', source) if isinstance(source, dict) else source
    with explained(config_fault(cfg, 'data.train')):
        dataset = build_dataset(source, skip_unlabeled=True)
        counts = source_counts(dataset)
    images, pixels = (torch.zeros(len(dataset.CLASSES), dtype=torch.float64) for _ in range(2))
    for image in counts:
        for class_id, number in image.items():
            images[class_id] += number > 0
            pixels[class_id] += number
    return SourcePriors(images, pixels / pixels.sum())


def target_images(cfg: Config) -> Dataset:
    """Return the images for estimating the target's priors: ``data.train.target``, as published.

    The pipeline of ``data.test`` prepares them, and their labels are not read. If a config trains
    without a target, the images of ``data.test`` are returned.
    """
    training = cfg.data.get('train')
    target = training.get('target') if isinstance(training, dict) else None
    if target is None:
        return build_test_dataset(cfg, need_labels=False)
    _, first = next(split_configs(cfg, 'test'))
    config = copy.deepcopy(target)
    for _, part in datasets_in(config, 'data.train.target'):
        part['pipeline'] = copy.deepcopy(first['pipeline'])
        part.pop('crop_pseudo_margins', None)
        part.pop(FOLDER, None)
    with explained(config_fault(cfg, 'data.train.target')):
        return build_dataset(target_config(config), test_mode=True, need_labels=False)


@torch.inference_mode()
def estimated_priors(model: OnDevice, loader: DataLoader, source: SourcePriors) -> Tensor:
    """Return the number of target images (K) that hold each class, by the network's predictions.

    The published rule is used: an image holds a class if the class's mean probability over the
    image is above its share of the source's pixels.

    Args:
        model: a trained segmentor, still without correction.
        loader: loader of :func:`target_images`. Several processes share the images.
        source: priors of the source.
    """
    model.eval()
    network = plain_segmentor(model.module)
    found = torch.zeros(len(source.pixels), dtype=torch.float64, device=model.device)
    with inference_options(network):
        for batch in progress_bar('target priors')(loader, len(loader)):
            batch = to_device(batch, model.device)
            views = [network.inference(img, metas, rescale=True)
                     for img, metas in zip(batch['img'], batch['img_metas'])]
            mean = torch.stack(views).mean(dim=(0, 1, 3, 4))
            found += mean > source.pixels.to(mean)
    return distributed.total(found).cpu()


def logit_shift(source: Tensor, target: Tensor) -> List[float]:
    """Return log p_t - log p_s for each class, for ``test_cfg.logit_shift``.

    A class that the source lacks was never learned, so its shift is 0. A class that no target image
    holds counts as found in one image.

    Args:
        source, target: priors up to a factor, K numbers of at least 0.
    """
    known = source > 0
    least = target[target > 0].min() if bool((target > 0).any()) else 1.
    target = target.clamp(min=min(1., float(least)))
    ratio = torch.log(target / target.sum()) - torch.log(source / source.sum())
    return torch.where(known, ratio, 0.).tolist()


def read_priors(path: str, classes: int) -> Tensor:
    """Read target priors from a JSON list with a number for each class.

    Raises:
        MissingFile: there is no such file.
        DataError: the file holds no such list.
    """
    try:
        values = json.loads(read_text(path, '--target-priors'))
        priors = torch.tensor(values, dtype=torch.float64)
    except UserError:
        raise
    except (ValueError, TypeError) as error:
        raise DataError(f'--target-priors {path} is no JSON list of numbers') from error
    if priors.shape != (classes, ) or not bool((priors >= 0).all()) or not priors.sum() > 0:
        raise DataError(f'--target-priors {path} must hold {classes} numbers of at least 0, one '
                        f'for each class, got {str(values)[:60]}')
    return priors
