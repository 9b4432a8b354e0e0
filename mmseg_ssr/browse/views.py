"""Pictures of a training's input: views, class shares and rare class sampling."""
import copy
import itertools
import os
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmcv import Config
from mmseg.models.builder import SEGMENTORS
from torch import nn
from torch.utils.data import Dataset

from ..datasets.pipelines.encoder_maps import FOLDER
from ..datasets.uda_dataset import UDADataset
from ..engine.build import (
    build_test_dataset,
    build_training_dataset,
    build_training_model,
    class_names,
)
from ..engine.checkpoint.pretrained import named_weight_files, refuse_downloads
from ..engine.checkpoint.weights import load_weights
from ..engine.config.faults import config_fault
from ..engine.config.values import batch_size, split_configs
from ..engine.data_loader import training_loader
from ..engine.logging.view_pictures import SeenClasses, write_picture
from ..engine.on_device import to_device
from ..engine.whole_image_maps import check as check_maps
from ..errors import UserError, explained, said
from ..methods import UDASegmentor
from ..methods.segmentor import batch_of
from ..uda.view_record import Record, next_views
from ..uda.views.view import SOURCE, View
from ..utils.atomic_file import make_folder, write_atomic
from ..visualization.views import draw_class_shares, encoded, stacked
from .class_shares import Sampled, pixel_shares, sampled_shares

#: Keys of a method about learning from the views, which do not change the views.
LEARNING = ('regularizer_weight', 'distillation_weight', 'running_statistics',
            'imnet_feature_dist_lambda', 'imnet_feature_dist_encoder',
            'foundation_distance_lambda', 'foundation_distance_encoder', 'source_loss_mean',
            'compile')
#: The same for SSR, unless its branch or its encoder takes part in the pseudo-labels.
REGULARIZATION = ('sam_model_registry', 'sam_checkpoint', 'regularizer', 'stop_stage',
                  'pseudo_label_branch', 'mixed_maps')
#: Width of the plots in pixels.
WIDTH = 1200


def browse(cfg: Config, out: str, device: torch.device, seed: int, iterations: int = 4,
           draws: int = 2000, checkpoint: Optional[str] = None,
           role: str = 'student') -> Iterator[str]:
    """Write pictures of the input of a training of ``cfg`` into the folder ``out``.

    ``iter_N.png`` shows the views of one of the first iterations. ``class_statistics.png`` shows
    the shares of the classes in the labels of the source and of ``data.val``.
    ``rare_class_sampling.png`` shows the effect of sampling on them. Writes nothing else, not
    even class statistics.

    Args:
        device: where the teacher predicts pseudo-labels.
        seed: seed of the training.
        iterations: number of iterations whose views are written, 0 or more.
        draws: number of samples for the statistics of rare class sampling.
        checkpoint, role: see :func:`build_views_model`.

    Yields:
        Lines that tell what was written and what is missing, and the shares as a table.

    Raises:
        UserError: config or data have a fault, or pseudo-labels need maps that are not there.
    """
    uses_maps = iterations > 0 and _encodes_labels(cfg)
    if uses_maps:
        check_maps(cfg)
    dataset = _training_dataset(cfg, seed, uses_maps)
    make_folder(out)
    yield from _statistics(cfg, dataset, out, draws)
    if iterations:
        model, missing = build_views_model(cfg, seed, checkpoint, role)
        for line in missing:
            yield f'{line}: the network has random weights, its pseudo-labels mean nothing'
        labeled = checkpoint or 'the weights that the training starts with'
        yield from _pictures(cfg, model, dataset, out, device, seed, iterations,
                             f'pseudo-labels of {os.path.basename(labeled)}')


def build_views_model(cfg: Config, seed: int, checkpoint: Optional[str] = None,
                      role: str = 'student') -> Tuple[Optional[UDASegmentor], List[str]]:
    """Build the method without the parts that only learn from its views.

    If weights are missing, the student stays as the seed draws it. Only pseudo-labels depend on
    the weights.

    Args:
        checkpoint: the weights that label the target images; None for those that the training
            starts with.
        role: network of the checkpoint to use, 'student' or 'teacher'.

    Returns:
        The method in training mode (None without a method), and a line for each missing file.
    """
    cfg = copy.deepcopy(cfg)
    method = cfg.get('uda') or cfg.model
    kind = SEGMENTORS.get(method['type'])
    if kind is None or not issubclass(kind, UDASegmentor):
        return None, []
    refuse_downloads(cfg)
    encoded_labels = _encodes_labels(cfg)
    for key in LEARNING + REGULARIZATION * (not encoded_labels):
        method.pop(key, None)
    if not encoded_labels and method['type'] == 'SSR':  # SSR insists on a regularizer
        method['type'] = 'DACS'
    start = checkpoint or cfg.get('load_from')
    notes = _leave_files_out(cfg, students=bool(start))
    if start and not checkpoint and not os.path.isfile(start):
        notes.append(f'{start} (load_from) is missing')
        start = None
    model = build_training_model(cfg, seed)
    if start:
        load_weights(model, start, role)
        model.copy_student()
    return model.train(), notes


def training_views(model: Optional[nn.Module], batches: Iterator[dict], device: torch.device
                   ) -> Iterator[Tuple[dict, Record]]:
    """Each batch with the views of its iteration; supervised training (None) has one view."""
    for data in batches:
        batch = batch_of(to_device(data, device))
        if model is None:
            source = View(SOURCE, batch.img.cpu(), batch.label.long().cpu())
            yield data, Record(batch.mean.cpu(), batch.std.cpu(), dict(source=source), None, [])
        else:
            yield data, next_views(model, batch)


def _encodes_labels(cfg: Config) -> bool:
    """Whether a frozen encoder takes part in the pseudo-labels."""
    method = cfg.get('uda') or cfg.model
    return (method.get('pseudo_label_branch') == 'regularized'
            or method.get('pseudo_label_affinity') is not None)


def _training_dataset(cfg: Config, seed: int, uses_maps: bool) -> Dataset:
    cfg = copy.deepcopy(cfg)
    train = cfg.data.get('train')
    if isinstance(train, dict) and train.get('type') == UDADataset.__name__:
        train['keep_statistics'] = False
    if not uses_maps:
        for _, config in split_configs(cfg, 'train'):
            config.pop(FOLDER, None)
    return build_training_dataset(cfg, seed)


def _leave_files_out(cfg: Config, students: bool) -> List[str]:
    """Remove missing files of weights from ``cfg``, and tell which.

    Args:
        students: remove the student's file in any case, because it gets other weights.
    """
    notes = []
    for path, file in named_weight_files(cfg):
        replaced = students and 'regularizer' not in path and 'sam_checkpoint' not in path
        if replaced or not os.path.isfile(file):
            if path.endswith('.init_cfg.checkpoint'):  # of dict(type='Pretrained', checkpoint=...)
                cfg.merge_from_dict({path[:-len('.checkpoint')]: None})
            else:
                cfg.merge_from_dict({path: None})
            notes += [] if replaced else [f'{file} ({path}) is missing']
    return notes


def _pictures(cfg: Config, model: Optional[UDASegmentor], dataset: Dataset, out: str,
              device: torch.device, seed: int, iterations: int, labeled: str) -> Iterator[str]:
    if model is not None:
        model.to(device)
    classes, palette = class_names(dataset)
    seen = SeenClasses(dataset)
    loader = training_loader(dataset, batch_size(cfg), iterations, seed, device=device)
    with explained(config_fault(cfg, 'model and data', 'do not fit together')):
        for number, (data, record) in enumerate(training_views(model, loader, device), 1):
            seen.count(data['gt_semantic_seg'])
            path = os.path.join(out, f'iter_{number}.png')
            title = [f'iteration {number}, seed {seed}' + f', {labeled}' * bool(record.pseudo),
                     *_files(data, dataset, (number - 1) * batch_size(cfg), classes)]
            write_picture(record, path, classes, palette, seen.shares(classes), '\n'.join(title))
            yield path


def _files(data: dict, dataset: Dataset, first: int, classes: Sequence[str]) -> Iterator[str]:
    """List the images of a batch, with the classes that they were drawn for."""
    sampling = getattr(dataset, 'sampler', None) is not None
    drawn = (f' for {classes[dataset.drawn(position)[0]]}' if sampling else ''
             for position in itertools.count(first))
    for domain, key in (('source', 'img_metas'), ('target', 'target_img_metas')):
        names = [os.path.basename(meta['filename']) for meta in data.get(key, [])]
        if domain == 'source':
            names = [name + reason for name, reason in zip(names, drawn)]
        if names:
            yield f'{domain}: {", ".join(names)}'


def _statistics(cfg: Config, dataset: Dataset, out: str, draws: int) -> Iterator[str]:
    classes = class_names(dataset)[0]
    columns = dict(source=pixel_shares(dataset))
    try:
        columns['validation'] = pixel_shares(build_test_dataset(cfg, 'val'))
    except UserError as error:
        yield f'no class statistics of data.val: {said(error)}'
    path = os.path.join(out, 'class_statistics.png')
    write_atomic(path, encoded(draw_class_shares(
        columns, classes, 'share of the labeled pixels (logarithmic)', WIDTH, log=True)))
    yield path
    columns = {f'{name} pixels': shares for name, shares in columns.items()}
    if getattr(dataset, 'sampler', None) is None:
        yield 'no rare class sampling in this config (data.train.rare_class_sampling)'
    else:
        sampled = sampled_shares(dataset, draws)
        path = os.path.join(out, 'rare_class_sampling.png')
        least = dataset.rare_class_sampling.min_pixels
        write_atomic(path, encoded(_draw_sampled(sampled, classes, draws, least)))
        yield path
        yield (f'rare class sampling: the first {draws} samples are of {sampled.different} of '
               f'{len(dataset.source)} source images; in an image are classes with more than '
               f'{least} pixels')
        columns.update({
            'P(c)': sampled.probability, 'drawn': sampled.drawn,
            'in all images': sampled.images, 'in drawn images': sampled.drawn_images})
    yield from _table(classes, columns)


def _draw_sampled(sampled: Sampled, classes: Sequence[str], draws: int, least: int) -> np.ndarray:
    return stacked([
        draw_class_shares({'P(c) = softmax((1 - f_c) / T)': sampled.probability,
                           f'drawn in {draws} samples': sampled.drawn},
                          classes, 'class that a source image is drawn for', WIDTH),
        draw_class_shares({f'rare class sampling, {draws} samples': sampled.drawn_images,
                           'uniform sampling': sampled.images}, classes,
                          f'share of the images that hold more than {least} pixels of the class',
                          WIDTH)])


def _table(classes: Sequence[str], columns: Dict[str, np.ndarray]) -> Iterator[str]:
    """Format shares as percent, with a row for each class."""
    width = max(map(len, ('in percent', *classes)))
    yield '  '.join(['in percent'.ljust(width), *columns])
    for c, name in enumerate(classes):
        yield '  '.join([name.ljust(width), *(f'{100 * shares[c]:{len(heading)}.2f}'
                                              for heading, shares in columns.items())])
