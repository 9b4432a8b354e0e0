"""Checks of weight files that configs name: present, complete, as published, readable."""
import os
import shlex
from typing import Iterable, List, Optional, Tuple

from mmcv import Config

from ..engine.checkpoint.pretrained import weight_files_of
from ..errors import MissingFile, UserError, one_line
from ..utils.paths import check_file
from ..weights import find_published, published_sum, read_weights, sha256
from ..weights.published import command
from ..weights.sums import other_sum, recorded_sum
from .finding import Finding, Stage

#: Part that segmentation models have and encoders lack.
HEAD = 'decode_head.'


def examine_weights(configs: Iterable[Config]) -> Tuple[List[str], List[Finding]]:
    """Give facts, a line for each file, and findings. Each file is read once."""
    lines, findings = [], []
    for file, key in weight_files_of(configs).items():
        line, found = _examine(file, key)
        lines.append(f'{file} ({key}): {line}')
        findings += found
    return lines, findings


def _examine(file: str, key: str) -> Tuple[str, List[Finding]]:
    """Give a line about a file, and its faults."""
    try:
        check_file(file, 'weights file')
    except MissingFile:
        return 'missing', [_finding('weights file is missing', file, f'no such file, {key} names '
                                    'it', 'the file as published')]
    except UserError as error:
        found, _, mend = one_line(error).rpartition(': ')
        return 'not read', [Finding(Stage.WEIGHTS, 'weights file cannot be read', file, found,
                                    'a file that may be read', mend)]
    one, size = find_published(file), os.path.getsize(file)
    if one and one.owns(file) and size != (one.size or size):
        return f'{size} bytes', [_finding(
            'weights file is not the published one', file, f'{size} bytes',
            f'{one.size} bytes: the download was cut off, or it is another file')]
    digest = sha256(file)
    expected = other_sum(file, digest, published_sum(file))
    if expected:
        return f'sha256 {digest}', [_finding(
            'weights file is not the published one', file, f'sha256 {digest}',
            f'sha256 {expected}' + ('' if len(expected) == len(digest) else '...'))]
    state = ('as published' if one and one.has_sum(digest) else
             'as downloaded' if recorded_sum(file) else
             f'not the file at {one.url}, whose sha256 begins with {one.sha256}'
             if one and one.sha256 else 'no published sum is at hand to compare with')
    wrong = _unreadable(file, key)
    return f'sha256 {digest}, {state}', [wrong] if wrong else []


def _unreadable(file: str, key: str) -> Optional[Finding]:
    """Read the file as a training does, without running any code that may be in it."""
    try:
        weights = read_weights(file)
    except UserError as error:
        return _finding('weights file cannot be read', file, one_line(error),
                        'a file of tensors, whole and without Python objects')
    if 'pretrained' in key.split(' ')[0] and any(name.startswith(HEAD) for name in weights):
        return _finding('weights file is of another kind', file, 'a finished segmentation model '
                        f'({HEAD}* in it)', 'weights of an encoder alone, as from ImageNet')
    return None


def _finding(title: str, file: str, found: str, expected: str) -> Finding:
    return Finding(Stage.WEIGHTS, title, file, found, expected, _fetch(file))


def _fetch(file: str) -> str:
    """How to get a file: a command if its address is known."""
    one = find_published(file)
    if one is None:
        return f'put the right file to {file}'
    away = f'{shlex.join(["mv", file, f"{file}.other"])} && ' if os.path.exists(file) else ''
    return f'{away}{command(file)}  # from {one.places}'
