"""Checks of weight files that configs name: present, complete, as published, readable."""
import os
from typing import Dict, Iterable, List, Optional, Tuple

from mmcv import Config

from ..deploy import safetensors_file
from ..engine.checkpoint.pretrained import needed_weight_files
from ..errors import UserError, one_line
from ..weights import BYTES, PUBLISHED, published_sum, read_weights, sha256
from .finding import Finding, Stage

#: Part that segmentation models have and encoders lack.
HEAD = 'decode_head.'


def examine_weights(configs: Iterable[Config]) -> Tuple[List[str], List[Finding]]:
    """Give facts, a line for each file, and findings. Each file is read once."""
    named: Dict[str, str] = {}
    for cfg in configs:
        keys = needed_weight_files(cfg)
        keys += [('load_from', cfg.load_from)] if cfg.get('load_from') else []
        for key, file in keys:
            named.setdefault(file, f'{key} in {cfg.filename}')
    lines, findings = [], []
    for file, key in named.items():
        line, found = _examine(file, key)
        lines.append(f'{file} ({key}): {line}')
        findings += found
    return lines, findings


def _examine(file: str, key: str) -> Tuple[str, List[Finding]]:
    """Give a line about a file, and its faults."""
    if not os.path.isfile(file):
        return 'missing', [_finding('weights file is missing', file, f'no such file, {key} names '
                                    'it', 'the file as published')]
    name, size = os.path.basename(file), os.path.getsize(file)
    if size != BYTES.get(name, size):
        return f'{size} bytes', [_finding(
            'weights file is not the published one', file, f'{size} bytes',
            f'{BYTES[name]} bytes: the download was cut off, or it is another file')]
    digest, published = sha256(file), published_sum(file)
    if published and not digest.startswith(published):
        return f'sha256 {digest}', [_finding(
            'weights file is not the published one', file, f'sha256 {digest}',
            f'sha256 {published}' + ('' if len(published) == len(digest) else '...'))]
    state = 'as published' if published else 'no published sum is at hand to compare with'
    wrong = _unreadable(file, key)
    return f'sha256 {digest}, {state}', [wrong] if wrong else []


def _unreadable(file: str, key: str) -> Optional[Finding]:
    """Read the file as a training does, without running any code that may be in it."""
    try:
        weights = (safetensors_file.read(file)['state_dict']
                   if file.endswith(safetensors_file.SUFFIX) else read_weights(file))
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
    source = PUBLISHED.get(os.path.basename(file))
    if source is None:
        return f'put the right file to {file}'
    if not source.endswith('.pth'):  # a page for readers, not the address of the file
        return f'fetch {os.path.basename(file)} from {source}, put it to {file}'
    return f'curl -L --create-dirs -o {file} {source}'
