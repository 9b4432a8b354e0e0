"""Pretrained weights: addresses and checksums of published files, and safe reading."""
import hashlib
import os
import pickle
import re
import zipfile
import zlib
from typing import Any, Dict, Mapping, Optional, Union

import torch
from torch import Tensor

from .errors import CheckpointError, MissingFile, one_line

CHUNK = 2 ** 20

SEGFORMER = 'https://github.com/NVlabs/SegFormer (README, "Training", ImageNet weights)'
META = 'https://dl.fbaipublicfiles.com/'
OPENMMLAB = 'https://download.openmmlab.com/pretrain/third_party/'

#: Name of a published file -> its address. The name of a SAM file ends in the first digits of its
#: MD5 sum.
PUBLISHED: Dict[str, str] = {
    **{f'mit_b{i}.pth': SEGFORMER for i in range(6)},
    **{name: f'{META}segment_anything/{name}' for name in (
        'sam_vit_b_01ec64.pth', 'sam_vit_l_0b3195.pth', 'sam_vit_h_4b8939.pth')},
    **{name: OPENMMLAB + name for name in (
        'resnet50_v1c-2cccc1ad.pth', 'resnet101_v1c-e67eebb6.pth')},
    **{f'dinov2_vit{size}14{kind}_pretrain.pth':
       f'{META}dinov2/dinov2_vit{size}14/dinov2_vit{size}14{kind}_pretrain.pth'
       for size in 'sblg' for kind in ('', '_reg4')},
    **{f'convnext_{size}_22k_224.pth': f'{META}convnext/convnext_{size}_22k_224.pth'
       for size in ('tiny', 'small', 'base', 'large', 'xlarge')},
}

#: SHA-256 sums of published files, which many public projects list.
SHA256: Dict[str, str] = {
    'sam_vit_b_01ec64.pth': 'ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912',
    'sam_vit_l_0b3195.pth': '3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622',
    'sam_vit_h_4b8939.pth': 'a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e',
}
#: Their sizes in bytes, if known.
BYTES: Dict[str, int] = {'sam_vit_b_01ec64.pth': 375042383, 'sam_vit_h_4b8939.pth': 2564550879}


def published_sum(path: Union[str, os.PathLike]) -> Optional[str]:
    """Return the SHA-256 sum of a published file or its first digits, or None if it is unknown.

    The names of OpenMMLab's files end in the first eight digits.
    """
    name = os.path.basename(path)
    if PUBLISHED.get(name, '').startswith(OPENMMLAB):
        return re.search(r'-([0-9a-f]{8})\.pth$', name)[1]
    return SHA256.get(name)


def sha256(path: Union[str, os.PathLike]) -> str:
    """Return the SHA-256 sum of a file, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def find_weights(path: Union[str, os.PathLike]) -> str:
    """Return ``path`` if the file exists.

    Raises:
        MissingFile: there is no such file. The message tells where a published file comes from.
    """
    if not os.path.isfile(path):
        source = PUBLISHED.get(os.path.basename(path))
        raise MissingFile(f'weights file {path} is missing: put it there'
                          + (f', it is published at {source}' if source else ''))
    return str(path)


def read_weights(path: Union[str, os.PathLike]) -> Dict[str, Tensor]:
    """Read the state dict in a weights file, without running any code in it.

    Raises:
        MissingFile: there is no such file. The message tells where a published file comes from.
        CheckpointError: the file is truncated, is no weights file, holds Python objects that could
            run code, or holds no state dict.
    """
    source = PUBLISHED.get(os.path.basename(path))
    find_weights(path)
    check_sums(path)
    try:
        weights = torch.load(path, map_location='cpu', weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError,
            pickle.UnpicklingError) as error:
        refuse_code(path, error)
        raise CheckpointError(f'weights file {path} cannot be read, it may be truncated: compare '
                              'its size with the published one and fetch it again'
                              + (f' ({source})' if source else '')) from error
    weights = weights.get('state_dict', weights) if isinstance(weights, dict) else weights
    if not isinstance(weights, dict) or not weights or not all(isinstance(k, str) for k in weights):
        raise CheckpointError(f'weights file {path} holds no state dict')
    return weights


def check_sums(path: Union[str, os.PathLike]) -> None:
    """Compare the bytes of a zip file with its checksums. Torch does not compare them.

    Raises:
        CheckpointError: they differ.
    """
    if not zipfile.is_zipfile(path):  # files of torch before 1.6 have no checksums
        return
    try:
        with zipfile.ZipFile(path) as archive:
            if not archive.infolist():
                raise ValueError('there is nothing in it')
            for record in archive.infolist():
                with archive.open(record) as file:
                    while record.CRC and file.read(CHUNK):  # 0 if torch was told to omit it
                        pass
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(f'{path} is damaged: its bytes are not those that were written '
                              f'({one_line(error)})') from error


def check_values(weights: Mapping[str, Any], wanted: Mapping[str, Tensor],
                 path: Union[str, os.PathLike]) -> None:
    """Check that the weights for the names in ``wanted`` are finite numbers of the same kind.

    Torch would accept weights of a training that diverged, and would cut fractions to integers.

    Raises:
        CheckpointError: some weights are not. The message names the first of them.
    """
    for name, expected in wanted.items():
        value = weights.get(name, expected)
        if not isinstance(value, Tensor) or value.is_meta and not expected.is_meta:
            raise CheckpointError(f'{path}: {name} is no tensor with values')
        if value.is_floating_point() != expected.is_floating_point() or value.is_complex():
            raise CheckpointError(f'{path}: {name} is of type {value.dtype}, expected '
                                  f'{expected.dtype}')
        if value.is_floating_point() and not (value.is_meta or torch.isfinite(value).all()):
            raise CheckpointError(f'{path}: {name} holds numbers that are not finite, as after a '
                                  'training that diverged: use an earlier checkpoint')


def refuse_code(path: Union[str, os.PathLike], error: Exception) -> None:
    """Raise if ``torch.load(weights_only=True)`` failed because of a Python object.

    Args:
        path: path of the file.
        error: error of ``torch.load``.

    Raises:
        CheckpointError: the file holds Python objects. The message names one and says what to do.
    """
    unknown = re.search(r'GLOBAL (\S+)', str(error))
    if isinstance(error, pickle.UnpicklingError) and unknown:
        raise CheckpointError(
            f'{path} is not read: it holds Python objects ({unknown[1]}) that could run code; if '
            f'you trust where it is from, keep its tensors alone: python tools/plain_weights.py '
            f'{path} OUT.pth --trust') from error
