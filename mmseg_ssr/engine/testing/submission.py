"""Label images for benchmark servers: writing, checking and packing."""
import io
import os
import zipfile
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmseg.datasets import CityscapesDataset
from PIL import Image
from torch.utils.data import Dataset

from ...datasets.pipelines.checked_loading import image_step
from ...datasets.several_sets import SeveralSets
from ...errors import ConfigError, DataError, MissingFile
from ...labels.cityscapes import TRAIN_IDS
from ...labels.files import encode_label, image_size, read_label
from ...utils.atomic_file import make_folder, write_atomic

LABEL_IDS = {train_id: label_id for label_id, train_id in TRAIN_IDS.items()}
CONFIDENCE = 'confidence'


@dataclass(frozen=True)
class Server:
    """The demands of a benchmark server.

    Attributes:
        name: name of the benchmark.
        label_ids: whether it takes Cityscapes label ids (road is 7) in place of train ids (road is
            0).
        images: number of images in its test split, which is the number of files that it expects.
        folders: folders of the archive, each with all files. Files in ``confidence`` are 16-bit
            and all 1.0. They only matter to the uncertainty-aware scores, not to the mIoU.
        address: web page for uploading the archive.
    """

    name: str
    label_ids: bool
    images: int
    folders: Tuple[str, ...]
    address: str


CITYSCAPES = Server('Cityscapes', True, 1525, ('', ), 'https://www.cityscapes-dataset.com/submit/')
#: Type of the data set -> its server.
SERVERS: Dict[str, Server] = {
    'CityscapesDataset': CITYSCAPES,
    'ACDCDataset': Server('ACDC', False, 2000, ('labelTrainIds', ),
                          'https://acdc.vision.ee.ethz.ch/submit'),
    'DarkZurichDataset': Server(
        'Dark Zurich', False, 151, ('labelTrainIds', 'labelTrainIds_invalid', CONFIDENCE),
        'https://codalab.lisn.upsaclay.fr/competitions/3783'),
}


def server_of(dataset: Dataset) -> Optional[Server]:
    """Return the server that scores a data set, or None."""
    names = [cls.__name__ for cls in type(dataset).__mro__ if cls.__name__ in SERVERS]
    return SERVERS[names[0]] if names else None


def required_server(dataset: Dataset) -> Server:
    """Return :func:`server_of`, or raise a :class:`ConfigError` if there is no server."""
    server = server_of(dataset)
    if isinstance(dataset, SeveralSets):
        raise ConfigError('--zip packs the predictions of one data set, and data.test holds '
                          f'{len(dataset.datasets)}: give one of them')
    if server is None:
        known = ', '.join(server.name for server in SERVERS.values())
        raise ConfigError(f'--zip: there is no server for {type(dataset).__name__}, only for '
                          f'{known}')
    return server


def prepare_formatting(dataset: Dataset) -> None:
    """Let ``dataset.format_results`` write files for its server, without cityscapesscripts.

    For data sets without a server, files hold class numbers and lie in folders as the images do.
    """
    server = server_of(dataset)
    names = Counter(_file_name(dataset, i, '') for i in range(len(dataset)))
    # no inner function: processes that load the data may have to pickle the data set
    dataset.format_results = partial(
        _format_results, dataset, names, to_label_id=server is not None and server.label_ids)


def _format_results(dataset: Dataset, names: Counter, results: Sequence[np.ndarray],
                    imgfile_prefix: str, to_label_id: bool,
                    indices: Optional[Sequence[int]] = None) -> List[str]:
    indices = range(len(dataset)) if indices is None else indices
    _check_names(names)
    return [_write(dataset, i, result, imgfile_prefix, to_label_id)
            for result, i in zip(results, indices)]


def pack_submission(dataset: Dataset, folder: str, archive: str) -> List[str]:
    """Check the predictions of all images in ``folder`` and pack them for the server.

    Args:
        dataset: predicted data set. Its images give the expected names and sizes.
        folder: folder that ``format_results`` wrote to.
        archive: zip file to write. It is written whole or not at all.

    Returns:
        Notes for the user: where to send the file, and whether the set is incomplete.

    Raises:
        ConfigError: the data set has no server.
        MissingFile: a prediction is missing. Nothing is written.
        DataError: a prediction is wrong. Nothing is written.
    """
    server = required_server(dataset)
    files = [_file_name(dataset, i, folder) for i in range(len(dataset))]
    contents = []
    _check_names(Counter(files))
    for i, file in enumerate(files):
        image = os.path.join(dataset.img_dir, dataset.img_infos[i]['filename'])
        _check(file, image, image_step(dataset).size(image),
               LABEL_IDS.values() if server.label_ids else LABEL_IDS)
        contents.append(Path(file).read_bytes())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as zipped:
        for name in server.folders:
            for file, content in zip(files, contents):
                if name == CONFIDENCE:
                    content = _full_confidence(image_size(file))
                zipped.writestr('/'.join(filter(None, (name, os.path.basename(file)))), content)
    write_atomic(archive, packed.getvalue())
    notes = [f'send it to {server.address}']
    if len(files) != server.images:
        notes.append(f'{server.name} expects {server.images} predictions, these are {len(files)}: '
                     'give --test-set, and have the whole test split in place')
    return notes


def _file_name(dataset: Dataset, index: int, folder: str) -> str:
    """Return the file name of a prediction. For servers all files are in one folder."""
    image = os.path.splitext(dataset.img_infos[index]['filename'])[0]
    name = image if server_of(dataset) is None else os.path.basename(image)
    return os.path.join(folder, f'{name}.png')


def _write(dataset: Dataset, index: int, prediction: np.ndarray, folder: str,
           to_label_id: bool) -> str:
    """Write the classes H x W of an image and return the path.

    The file has a palette of the classes' colors, except for servers that take train ids. These
    might read the colors.
    """
    path = _file_name(dataset, index, folder)
    server = server_of(dataset)
    painted = server is None or server.label_ids
    content = encode_label(prediction, _values(dataset, to_label_id),
                           dataset.PALETTE if painted else None)
    make_folder(os.path.dirname(path))
    write_atomic(path, content)
    return path


def _values(dataset: Dataset, to_label_id: bool) -> List[int]:
    """Return the number of each class in the files. Without a server it is the class itself."""
    if server_of(dataset) is None and not to_label_id:
        return list(range(len(dataset.CLASSES)))
    train_ids = cityscapes_train_ids(dataset.CLASSES)
    return [LABEL_IDS[i] for i in train_ids] if to_label_id else train_ids


def cityscapes_train_ids(classes: Sequence[str]) -> List[int]:
    """Return the Cityscapes train id of each class.

    Raises:
        ConfigError: Cityscapes does not have a class.
    """
    unknown = [name for name in classes if name not in CityscapesDataset.CLASSES]
    if unknown:
        raise ConfigError(f'class {unknown[0]!r} has no Cityscapes id: give to_label_id=False, or '
                          '--label-ids train')
    return [CityscapesDataset.CLASSES.index(name) for name in classes]


def _check_names(names: Counter) -> None:
    name, count = names.most_common(1)[0] if names else ('', 1)
    if count > 1:
        raise DataError(f'{count} images would have the prediction {name}, which the server takes '
                        'from one folder: give data.test the images of its test split alone')


def _check(file: str, image: str, size: Tuple[int, int], allowed: Sequence[int]) -> None:
    if not os.path.isfile(file):
        raise MissingFile(f'prediction {file} of image {image} is missing: predict again')
    label = read_label(file)
    width, height = size
    if label.shape != (height, width):
        raise DataError(f'prediction {file} is {label.shape[1]} x {label.shape[0]} pixels, its '
                        f'image {image} is {width} x {height}: predict again')
    strange = sorted(set(np.unique(label).tolist()) - set(allowed))
    if strange:
        raise DataError(f'prediction {file} holds {strange[0]}, expected {sorted(allowed)}: '
                        'predict again with the to_label_id that the server wants')


def _full_confidence(size: Tuple[int, int]) -> bytes:
    content = io.BytesIO()
    full = np.full(size[::-1], 65535, np.uint16)
    Image.fromarray(full).save(content, format='PNG')
    return content.getvalue()
