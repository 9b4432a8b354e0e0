"""Export of a model in several formats, each tested before the file gets its name."""
import contextlib
import os
import textwrap
from typing import List, Optional, Sequence

import torch
from torch import Tensor, nn

from ..errors import ConfigError, UserError, explained, is_wrong_value, nearest, said
from ..utils.atomic_file import Part, atomic_path, make_folder, remove_leftovers, write_atomic
from .formats import FORMATS, Exported, Format, Job, Size
from .graph import Deployed
from .model_card import model_card
from .model_file import ModelFile, build_network
from .numbers import Numbers
from .preparation import normalization, tested_size

#: Largest allowed difference from the network's logits, absolute or relative.
TOLERANCE = 1e-4
CARD = 'MODEL_CARD.md'
REASON = 160


def export(model: ModelFile,
           out: str,
           formats: Sequence[str] = tuple(FORMATS),
           weights: str = 'student',
           size: Optional[Size] = None,
           fixed_size: bool = False,
           numbers: Optional[Numbers] = None) -> List[Exported]:
    """Write the shadow branch of a model into the folder ``out``, with a model card.

    Graphs (TorchScript, torch.export, ONNX) take images of any size. If the network does not
    allow that, they are made for one size: HRDA's crops, for example, depend on the size.

    Args:
        model: result of :func:`~mmseg_ssr.deploy.model_file.read_model`.
        formats: names in :data:`~mmseg_ssr.deploy.formats.FORMATS`.
        weights: ``'student'`` or ``'teacher'``.
        size: (height, width) of the image that graphs are made from; None for the size in the
            config's test.
        fixed_size: make graphs for that size alone.
        numbers: measured scores for the model card.

    Raises:
        ConfigError: a format is unknown, or the config does not fit.
        CheckpointError: the weights do not fit.
        UserError: the model needs regions, a package is missing, a format cannot be made or
            computes something else than the network, or a file cannot be written. An older file of
            that name is kept.
    """
    for name in formats:
        if name not in FORMATS:
            raise ConfigError(f'formats are {", ".join(FORMATS)}, got {name!r}'
                              f'{nearest(name, FORMATS)}')
        if os.path.realpath(os.path.join(out, FORMATS[name].file)) == os.path.realpath(model.path):
            raise ConfigError(f'{model.path} would be written over itself: choose another --out')
    if model.cfg.model.get('regions'):
        raise UserError(f"{model.path} cannot be exported: {model.cfg.model['type']} needs the "
                        'regions of a frozen network for each image; predict with mmseg-ssr '
                        'predict, or train the head Mask2FormerHead, which needs none')
    formats = list(dict.fromkeys(formats))
    network = build_network(model, weights)
    size = tuple(size or tested_size(model.cfg))
    job = Job(model, Deployed(network, normalization(model.cfg)).eval(), _image(size))
    make_folder(out)
    remove_leftovers(out)
    paths = [os.path.join(out, FORMATS[name].file) for name in formats]
    with contextlib.ExitStack() as stack:  # the files get their names together, at its end
        done = []
        for name, path in zip(formats, paths):
            part = stack.enter_context(atomic_path(path, ending=os.path.splitext(path)[1]))
            done.append(_export(name, job, part, fixed_size)._replace(path=path))
        card = model_card(model, network, weights, done, numbers)
    write_atomic(os.path.join(out, CARD), card.encode())
    return done


def others_in(out: str, files: Sequence[Exported]) -> List[str]:
    """Files in ``out`` that an earlier export left, perhaps of another model."""
    written = {os.path.basename(file.path) for file in files}
    return [kind.file for kind in FORMATS.values()
            if kind.file not in written and os.path.exists(os.path.join(out, kind.file))]


def other_sizes(size: Size) -> List[Size]:
    """Two more sizes to run a graph on: one upright, one with odd sides."""
    height, width = size
    return [(max(96, width // 2), max(64, height // 3)),
            (max(64, height * 3 // 4) + 5, max(64, width * 5 // 8) + 3)]


def _export(name: str, job: Job, part: Part, fixed_size: bool) -> Exported:
    """Write the format for any size, or else for one size."""
    size = tuple(job.example.shape[2:])
    dynamic = not (FORMATS[name].traced and fixed_size)
    reason = 'as asked for'
    if dynamic:
        try:
            return _written(name, job, part, True, [size, *other_sizes(size)])
        except Exception as error:
            if not FORMATS[name].traced or not (
                    isinstance(error, NotTheSame) or _is_of_the_network(error)):
                raise
            reason = textwrap.shorten(said(error), REASON, placeholder=' ...')
    with explained(lambda error: UserError(f'{name} cannot be made of this network: {said(error)}')
                   if _is_of_the_network(error) else None):
        written = _written(name, job, part, False, [size])
    return written._replace(fixed_size=size, reason=reason)


def _is_of_the_network(error: Exception) -> bool:
    return is_wrong_value(error) and not (isinstance(error, OSError) and error.errno)


class NotTheSame(UserError):
    """Raised when a file does not compute the same as the network."""


def _written(name: str, job: Job, part: Part, dynamic: bool, sizes: Sequence[Size]) -> Exported:
    """Write a format and run it on images of these sizes."""
    content = FORMATS[name].encode(job, dynamic)
    with open(part, 'wb') as file:
        file.write(content)
    difference = max(_difference(name, FORMATS[name], job.deployed, part, sizes))
    return Exported(name, part, os.path.getsize(part), list(sizes), difference)


def _difference(name: str, kind: Format, deployed: nn.Module, path: str,
                sizes: Sequence[Size]) -> List[float]:
    """Largest difference for each size. Raises :class:`NotTheSame` if one is too large."""
    differences = []
    run = kind.read(path)
    for size in sizes:
        image = _image(size, seed=1)
        with torch.no_grad():
            expected, found = deployed(image), run(image)
        if found.shape != expected.shape:
            raise NotTheSame(f'{name} gives {tuple(found.shape)} for an image of {size[0]} x '
                             f'{size[1]}, the network {tuple(expected.shape)}')
        distance = (found - expected).abs()
        differences.append(distance.max().item())
        if not (distance <= TOLERANCE * (1 + expected.abs())).all():
            raise NotTheSame(f'{name} does not compute what the network does: logits of an image '
                             f'of {size[0]} x {size[1]} differ by {differences[-1]:.2g}, more '
                             f'than {TOLERANCE}')
    return differences


def _image(size: Size, seed: int = 0) -> Tensor:
    """A random image 1 x 3 x H x W in 0..255 with areas and edges, not noise alone."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand((1, 3, 8, 8), generator=random)
    areas = nn.functional.interpolate(coarse, size, mode='nearest')
    return 255 * (0.8 * areas + 0.2 * torch.rand((1, 3, *size), generator=random))
