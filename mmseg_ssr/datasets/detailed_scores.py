"""Scores of groups of classes and of groups of images.

mmseg keeps sums for each image. Here each image has a confusion matrix, which holds more. The
data set's ``evaluate`` prints and returns further means, so mmseg's own test script gives them too.
"""
from typing import Any, Dict, List, Mapping, Sequence, Union

import numpy as np
import torch
from mmcv.utils import print_log
from prettytable import PrettyTable

from ..labels.confusion import areas, confusion_matrix


def class_ious(matrix: np.ndarray) -> np.ndarray:
    """IoU of each class, K float64. NaN for a class that is neither in labels nor predicted."""
    both, union, _, _ = areas(torch.from_numpy(matrix))
    return (both / union).numpy()


def mean_over(matrix: np.ndarray, classes: Sequence[int], ignore_others: bool = False) -> float:
    """Mean IoU over ``classes``.

    Args:
        ignore_others: leave out pixels labeled with another class. Otherwise they count as errors
            of the predicted class.
    """
    classes = list(classes)
    if ignore_others:
        kept = np.zeros_like(matrix)
        kept[classes] = matrix[classes]
        matrix = kept
    return float(np.round(np.nanmean(class_ious(matrix)[classes]), 4))


class DetailedScores:
    """Adds scores of groups of classes and images. It is listed before mmseg's base class.

    Attributes:
        class_groups: name of a further mean -> the names of its classes. A mean ``NAME`` takes the
            IoUs from the evaluation of all classes, which DAFormer, HRDA and MIC report.
            ``NAME.others_ignored`` takes them from an evaluation that ignores the labels of all
            other classes.
    """

    class_groups: Mapping[str, Sequence[str]] = {}

    def image_groups(self) -> Dict[str, List[int]]:
        """Name of a part of the data set -> the positions of its images."""
        return {}

    def pre_eval(self, preds: Any, indices: Union[int, Sequence[int]]) -> List[torch.Tensor]:
        """Confusion matrices, K x K, of predictions (H x W each) of the images at ``indices``."""
        preds = preds if isinstance(preds, list) else [preds]
        indices = indices if isinstance(indices, list) else [indices]
        return [self._compare(prediction, self.get_gt_seg_map_by_idx(index))
                for prediction, index in zip(preds, indices)]

    def evaluate(self, results: Sequence, metric: Union[str, Sequence[str]] = 'mIoU',
                 logger: Any = None, **options: Any) -> Dict[str, float]:
        """Evaluate as mmseg does, and add the means of the groups.

        Args:
            results: matrices from :meth:`pre_eval`, or predictions, or files of them (``.npy``).
        """
        if torch.is_tensor(results[0]):
            matrices = list(results)
            results = [areas(matrix) for matrix in matrices]
        elif 'mIoU' in metric:
            matrices = [self._compare(np.load(p) if isinstance(p, str) else p, label)
                        for p, label in zip(results, self.get_gt_seg_maps())]
        values = super().evaluate(results, metric, logger, **options)
        if 'mIoU' in metric:
            matrices = torch.stack(matrices).numpy()
            values.update(self._means_of_classes(matrices.sum(0), logger))
            values.update(self._means_of_images(matrices, logger))
        return values

    def _compare(self, prediction: np.ndarray, label: np.ndarray) -> torch.Tensor:
        return confusion_matrix(torch.from_numpy(prediction), torch.from_numpy(label),
                                len(self.CLASSES), self.ignore_index)

    def _means_of_classes(self, matrix: np.ndarray, logger: Any) -> Dict[str, float]:
        values: Dict[str, float] = {}
        every = range(len(self.CLASSES))
        rows = [['mIoU', len(every), mean_over(matrix, every), mean_over(matrix, every)]]
        for name, group in self.class_groups.items():
            classes = [i for i, class_name in enumerate(self.CLASSES) if class_name in group]
            if 0 < len(classes) < len(every):
                values[name] = mean_over(matrix, classes)
                values[f'{name}.others_ignored'] = mean_over(matrix, classes, ignore_others=True)
                rows.append([name, len(classes), *list(values.values())[-2:]])
        if values:
            _print_table(f'Means over classes, of an evaluation with all {len(every)} (as in '
                         'DAFormer, HRDA and MIC) and of one with these classes alone:',
                         ['mean', 'classes', f'{len(every)} evaluated', 'others ignored'],
                         rows, logger)
        return values

    def _means_of_images(self, matrices: np.ndarray, logger: Any) -> Dict[str, float]:
        groups = {name: images for name, images in self.image_groups().items() if images}
        if not groups:
            return {}
        sums = {name: matrices[images].sum(0) for name, images in groups.items()}
        sums['all'] = matrices.sum(0)
        every = range(len(self.CLASSES))
        means = {name: mean_over(matrix, every) for name, matrix in sums.items()}
        columns = [[*class_ious(matrix), means[name]] for name, matrix in sums.items()]
        _print_table('IoU of the parts of the data set:', ['class', *sums],
                     list(zip([*self.CLASSES, 'mean'], *columns)), logger)
        return {f'mIoU.{name}': means[name] for name in groups}


def _print_table(title: str, header: Sequence[str], rows: Sequence[Sequence], logger: Any) -> None:
    table = PrettyTable(header)
    for row in rows:
        table.add_row([f'{100 * cell:.2f}' if isinstance(cell, float) else cell for cell in row])
    print_log(f'{title}\n{table.get_string()}', logger=logger)
