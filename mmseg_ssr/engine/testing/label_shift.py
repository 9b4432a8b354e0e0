"""Correction of predictions for other class priors in the target than in the source.

"Undoing the Damage of Label Shift for Cross-domain Semantic Segmentation" (arXiv 2204.05546),
inference adjustment: a network that was trained on the source predicts p_s(y | x); where images of
a class look alike in both domains, p_t(y | x) is proportional to p_s(y | x) p_t(y) / p_s(y). In
logits that is a number for each class, the logarithm of the ratio of its priors, which is added
before the softmax: ``test_cfg.logit_shift`` (:mod:`.inference`).

As in the published code a prior is a share of *images*, not of pixels: in how many images a class
occurs, divided by the sum over the classes.
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
from ...datasets.source_statistics import source_counts
from ...datasets.target_config import target_config
from ...errors import DataError, MissingFile, explained
from ...utils.parallel import progress_bar
from ..build import build_test_dataset
from ..config.explain import config_fault
from ..data_loader import test_loader
from ..on_device import OnDevice, to_device
from .inference import inference_options, plain_segmentor


class SourcePriors(NamedTuple):
    """How often the classes occur in the labels of the source."""
    images: Tensor  # K, in how many images
    pixels: Tensor  # K, share of all labeled pixels


def corrected(cfg: Config, model: OnDevice, target_priors: Optional[str] = None,
              workers: int = 0) -> Tensor:
    """Let ``model`` predict with the correction from now on; returns the target's priors (K).

    Args:
        target_priors: JSON file, see :func:`read_priors`; None estimates them.
        workers: of the loader.
    """
    source = distributed.from_first(lambda: source_priors(cfg))
    if target_priors is None:
        loader = test_loader(target_images(cfg), workers, model.device)
        target = estimated_priors(model, loader, source)
    else:
        target = read_priors(target_priors, len(source.images))
    plain_segmentor(model.module).test_cfg['logit_shift'] = logit_shift(source.images, target)
    return target


def source_priors(cfg: Config) -> SourcePriors:
    """Of ``data.train.source`` (or ``data.train``), from its class statistics.

    Raises:
        ConfigError, MissingFile, DataError: as
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
    """The images that the target's priors are estimated on: ``data.train.target``, as published.

    They are prepared as ``data.test`` says, and no label of theirs is read. Where a config trains
    without a target, it is the images of ``data.test``.
    """
    training = cfg.data.get('train')
    target = training.get('target') if isinstance(training, dict) else None
    if target is None:
        return build_test_dataset(cfg, need_labels=False)
    config = dict(target, pipeline=copy.deepcopy(cfg.data.test.pipeline))
    config.pop('crop_pseudo_margins', None)
    with explained(config_fault(cfg, 'data.train.target')):
        return build_dataset(target_config(config), test_mode=True, need_labels=False)


@torch.inference_mode()
def estimated_priors(model: OnDevice, loader: DataLoader, source: SourcePriors) -> Tensor:
    """In how many target images each class occurs, judged by the network's predictions (K).

    A class counts as occurring where its mean probability over the image is above its share of
    the source's pixels (the published rule).

    Args:
        model: a segmentor that has been trained; it gets no correction yet.
        loader: of :func:`target_images`; several processes share them.
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
    """log p_t - log p_s of each class, for ``test_cfg.logit_shift``.

    A class that the source lacks was never learned and is left as it is; one that is found nowhere
    in the target counts as found in one image.

    Args:
        source, target: K numbers of at least 0, priors up to a factor.
    """
    known = source > 0
    least = target[target > 0].min() if bool((target > 0).any()) else 1.
    target = target.clamp(min=min(1., float(least)))
    ratio = torch.log(target / target.sum()) - torch.log(source / source.sum())
    return torch.where(known, ratio, 0.).tolist()


def read_priors(path: str, classes: int) -> Tensor:
    """Target priors given as a JSON list of a number for each class.

    Raises:
        MissingFile, DataError: no such file, or something else in it.
    """
    try:
        with open(path, encoding='utf-8') as file:
            values = json.load(file)
        priors = torch.tensor(values, dtype=torch.float64)
    except FileNotFoundError as error:
        raise MissingFile(f'--target-priors {path} is missing') from error
    except (ValueError, TypeError, OSError) as error:
        raise DataError(f'--target-priors {path} is no JSON list of numbers') from error
    if priors.shape != (classes, ) or not bool((priors >= 0).all()) or not priors.sum() > 0:
        raise DataError(f'--target-priors {path} must hold {classes} numbers of at least 0, one '
                        f'for each class, got {str(values)[:60]}')
    return priors
