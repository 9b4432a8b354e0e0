"""Whole and slide inference in several modes, and the share of labels that stay as in float32."""
from contextlib import ExitStack
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmcv import Config

from ..engine.build import build_test_model
from ..engine.checkpoint.weights import load_weights
from ..engine.testing.inference import check_test_cfg, inference_options, predict_labels
from ..engine.testing.options import set_inference_mode
from ..errors import UserError
from .cases import Case, Outcome, Settings, measure_cases
from .made_images import NORM
from .measure import Workload
from .methods import EXACT, Size, method_config, mode_options
from .networks import drawn_images
from .report import GIB, Report, markdown_table, number, ratio, spread

WAYS = ('whole', 'slide')
#: mmseg's own way to the labels: softmax first, then the choice of the class.
STOCK = 'stock'
MODES: Dict[str, Dict[str, Any]] = {
    EXACT: {},
    STOCK: {},
    'bf16': {'model.test_cfg.amp': dict(dtype='bfloat16')},
    'fp16': {'model.test_cfg.amp': dict(dtype='float16')},
    'compile': {'model.test_cfg.compile': True},
    'batched': {'model.test_cfg.batched_slide': True},
    'one_by_one': {'model.test_cfg.batched_slide': False},
}


class Prediction(Workload):
    """Predict the label map of one drawn image, and fetch it to the host.

    Args:
        config: config of the model. Its ``test_cfg`` says how to predict.
        size: (width, height) of the image.
        checkpoint: weights; None leaves them random.
        stock: predict with mmseg's ``simple_test``.
    """

    def __init__(self, device: torch.device, config: Config, size: Tuple[int, int],
                 checkpoint: Optional[str] = None, stock: bool = False):
        torch.manual_seed(0)
        self.model = build_test_model(config)
        self.model.init_weights()
        if checkpoint is not None:
            load_weights(self.model, checkpoint)
        self.model.to(device).eval()
        self.stock = stock
        width, height = size
        self.img = drawn_images(1, max(size))[:, :, :height, :width].to(device)
        shape = (height, width, 3)
        self.metas = [dict(ori_shape=shape, img_shape=shape, pad_shape=shape, flip=False,
                           scale_factor=1., img_norm_cfg=NORM, filename='drawn')]
        self.options = ExitStack()  # kept as long as the process lives: compiling takes long
        self.options.enter_context(inference_options(self.model))

    @torch.inference_mode()
    def run(self) -> None:
        if self.stock:
            self.labels = self.model.simple_test(self.img, self.metas)[0]
        else:
            self.labels = predict_labels(self.model, [self.img], [self.metas])[0].cpu().numpy()

    def finish(self) -> Dict[str, Any]:
        return dict(labels=self.labels.astype(np.uint8))


def benchmark_inference(methods: Sequence[str], ways: Sequence[str], modes: Sequence[str],
                        sizes: Sequence[Tuple[int, int]], size: Size, settings: Settings,
                        checkpoint: Optional[str] = None) -> Report:
    """Time the prediction of one image. The modes of one method, way and size take turns.

    Args:
        methods: names in :data:`.methods.METHODS`, or config files.
        ways: ``'whole'`` and ``'slide'``, or one of them.
        modes: names in :data:`MODES`, or sums of them.
        sizes: (width, height) of images.
        checkpoint: weights for all methods; None leaves them random.

    Raises:
        UserError: a name is unknown, or nothing could be measured.
    """
    report = Report(record=dict(cases={}, checkpoint=checkpoint))
    rows: List[list] = []
    for method in methods:
        for way in ways:
            for width, height in sizes:
                cases = prediction_cases(method, way, modes, (width, height), size, checkpoint,
                                         report)
                outcome = measure_cases(cases, settings)
                report.notes += [f'left out: {why}' for why in outcome.left_out.values()]
                records = compare_labels(outcome)
                report.record['cases'].update(records)
                rows += [row_of(name, record) for name, record in records.items()]
    report.tables.append(('Inference', markdown_table(
        ['method', 'way', 'image', 'mode', 'seconds (min-max)', 'images/s', 'peak GiB',
         'exact / this', 'same labels'], rows)))
    if checkpoint is None:
        report.notes.append('random weights: many pixels are near ties, so fewer labels stay the '
                            'same than with trained weights (--checkpoint)')
    return report


def prediction_cases(method: str, way: str, modes: Sequence[str], image: Tuple[int, int],
                     size: Size, checkpoint: Optional[str], report: Report) -> List[Case]:
    """Make a case for each mode. A mode that this version does not know becomes a note."""
    cases = []
    for mode in modes:
        options = mode_options(mode, MODES)
        try:
            config = method_config(method, EXACT, size)
            set_inference_mode(config, way)
            config.merge_from_dict(options)
            check_test_cfg(config.model.test_cfg)
        except UserError as error:
            report.notes.append(f'left out: {method} in mode {mode}: {error}')
            continue
        cases.append(Case(f'{method}/{way}/{image[0]}x{image[1]}/{mode}', Prediction, dict(
            config=config, size=tuple(image), checkpoint=checkpoint,
            stock=STOCK in mode.split('+'))))
    return cases


def compare_labels(outcome: Outcome) -> Dict[str, Dict[str, Any]]:
    """Records of the cases, each compared with the exact mode if that was measured."""
    labels = {name: result.facts.pop('labels') for name, result in outcome.results.items()}
    records = {name: result.record() for name, result in outcome.results.items()}
    exact = next((name for name in records if name.endswith(f'/{EXACT}')), None)
    for name, record in records.items():
        record['images_per_second'] = 1 / record['seconds']
        if exact is not None and name != exact:
            record['speed_ratio'] = records[exact]['seconds'] / record['seconds']
            record['same_labels_ratio'] = float(np.mean(labels[name] == labels[exact]))
    return records


def row_of(name: str, record: Dict[str, Any]) -> list:
    same = record.get('same_labels_ratio')
    return [*name.rsplit('/', 3), spread(record), number(record['images_per_second']),
            number(record['peak_bytes'] / GIB),
            ratio(record, 'speed_ratio'),
            '-' if same is None else f'{100 * same:.3f} %']
