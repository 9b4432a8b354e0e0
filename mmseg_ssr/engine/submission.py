"""Label images as the Cityscapes server takes them, without the package cityscapesscripts."""
import os
from typing import List, Optional, Sequence

import numpy as np
from mmseg.datasets import CityscapesDataset
from PIL import Image
from torch.utils.data import Dataset

from ..datasets.label_conversion import TRAIN_IDS

LABEL_IDS = {train_id: label_id for label_id, train_id in TRAIN_IDS.items()}


def format_without_cityscapesscripts(dataset: Dataset) -> None:
    """Let ``dataset.format_results`` write label ids itself where mmseg would need the package."""
    if not isinstance(dataset, CityscapesDataset):
        return

    def format_results(results: Sequence[np.ndarray], imgfile_prefix: str,
                       to_label_id: bool = True,
                       indices: Optional[Sequence[int]] = None) -> List[str]:
        indices = range(len(dataset)) if indices is None else indices
        return [write_label(result, dataset.img_infos[i]['filename'], imgfile_prefix, to_label_id)
                for result, i in zip(results, indices)]

    dataset.format_results = format_results


def write_label(prediction: np.ndarray, image: str, folder: str, to_label_id: bool = True) -> str:
    """Write train ids, H x W, as ``folder/IMAGE.png``, as Cityscapes label ids if wanted."""
    os.makedirs(folder, exist_ok=True)
    table = np.arange(256, dtype=np.uint8)
    palette = np.zeros((256, 3), np.uint8)
    for train_id, label_id in LABEL_IDS.items():
        written = label_id if to_label_id else train_id
        table[train_id] = written
        palette[written] = CityscapesDataset.PALETTE[train_id]
    path = os.path.join(folder, os.path.splitext(os.path.basename(image))[0] + '.png')
    output = Image.fromarray(table[prediction.astype(np.uint8)]).convert('P')
    output.putpalette(palette.flatten().tolist())
    output.save(path)
    return path
