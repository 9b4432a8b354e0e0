"""Whole and slide inference in several modes, and the share of labels that stay as in float32."""
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmcv import Config

from ..deploy.runtimes import RUNTIMES, exported
from ..engine.build import build_test_model
from ..engine.checkpoint.weights import load_weights
from ..engine.testing.inference import check_test_cfg, inference_options, predict_labels
from ..engine.testing.options import set_inference_mode
from ..errors import ConfigError, UserError
from ..uda.update.optimization import PRECISIONS
from ..utils.device import slower_line
from .cases import Case, Outcome, Settings, measure_cases
from .made_images import NORM
from .measure import SETTLED, Workload
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
    **{name: {} for name in RUNTIMES},
}
#: Other modes that a program may be measured in.
GO_WITH = {'onnxruntime': ('batched', 'one_by_one'),
           'openvino': ('batched', 'one_by_one', 'bf16')}


class Prediction(Workload):
    """Predict the label maps of drawn images in one batch, and fetch them to the host.

    Args:
        config: config of the model. Its ``test_cfg`` says how to predict.
        size: (width, height) of an image.
        checkpoint: weights; None leaves them random.
        stock: predict with mmseg's ``simple_test``.
        runtime: program that runs the exported network instead, see
            :data:`~mmseg_ssr.deploy.runtimes.RUNTIMES`.
        images: number of images.

    Raises:
        UserError: the network cannot be exported, or the device is none of the runtime.
    """

    settling = SETTLED

    def __init__(self, device: torch.device, config: Config, size: Tuple[int, int],
                 checkpoint: Optional[str] = None, stock: bool = False,
                 runtime: Optional[str] = None, images: int = 1):
        torch.manual_seed(0)
        self.model = build_test_model(config)
        self.model.init_weights()
        if checkpoint is not None:
            load_weights(self.model, checkpoint)
        self.model.to(device).eval()
        self.stock = stock
        width, height = size
        self.img = drawn_images(images, max(size))[:, :, :height, :width].to(device)
        shape = (height, width, 3)
        self.metas = [dict(ori_shape=shape, img_shape=shape, pad_shape=shape, flip=False,
                           scale_factor=1., img_norm_cfg=NORM, filename='drawn')] * images
        if runtime is not None:
            self.leave_to(runtime, device)
        self.options = ExitStack()  # kept as long as the process lives: compiling takes long
        self.options.enter_context(inference_options(self.model))

    def leave_to(self, runtime: str, device: torch.device) -> None:
        """Let another program compute the logits, of whole images or of windows."""
        if device.type != 'cpu':
            raise ConfigError(f'{runtime} is measured on a CPU alone')
        test_cfg, size = self.model.test_cfg, self.img.shape[2:]
        if test_cfg.mode == 'slide':
            size = tuple(map(min, size, test_cfg.crop_size))
        self.model.encode_decode = exported(self.model, NORM, size, runtime, 'amp' in test_cfg)
        for done_there in ('amp', 'logit_shift'):
            test_cfg.pop(done_there, None)
        self.model.to('meta')  # its weights shall not count

    @torch.inference_mode()
    def run(self) -> None:
        if self.stock:
            self.labels = np.stack(self.model.simple_test(self.img, self.metas))
        else:
            self.labels = predict_labels(self.model, [self.img], [self.metas]).cpu().numpy()

    def finish(self) -> Dict[str, Any]:
        return dict(labels=self.labels.astype(np.uint8), images=len(self.img))


def benchmark_inference(methods: Sequence[str], ways: Sequence[str], modes: Sequence[str],
                        sizes: Sequence[Tuple[int, int]], size: Size, settings: Settings,
                        checkpoint: Optional[str] = None, images: int = 1) -> Report:
    """Time the prediction of a batch of images. The modes of one method, way and size take turns.

    Args:
        methods: names in :data:`.methods.METHODS`, or config files.
        ways: ``'whole'`` and ``'slide'``, or one of them.
        modes: names in :data:`MODES`, or sums of them.
        sizes: (width, height) of images.
        checkpoint: weights for all methods; None leaves them random.
        images: number of images in a batch.

    Raises:
        UserError: a name is unknown, or nothing could be measured.
    """
    report = Report(record=dict(cases={}, checkpoint=checkpoint))
    rows: List[list] = []
    modes = modes_that_pay(modes, settings, report)
    for method in methods:
        for way in ways:
            for width, height in sizes:
                cases = prediction_cases(method, way, modes, (width, height), size, checkpoint,
                                         report, images)
                records = measured(cases, settings, report)
                report.record['cases'].update(records)
                rows += [row_of(name, record) for name, record in records.items()]
    if not rows:
        raise UserError('; '.join(report.left_out) or 'inference: no mode is left to measure')
    report.tables.append(('Inference', markdown_table(
        ['method', 'way', 'image', 'mode', 'seconds (min-max)', 'images/s', 'peak GiB',
         'exact / this', 'same labels'], rows)))
    if images > 1:
        report.notes.append(f'{images} images in a batch: seconds are those of a batch')
    if checkpoint is None:
        report.notes.append('random weights: many pixels are near ties, so fewer labels stay the '
                            'same than with trained weights (--checkpoint)')
    return report


def measured(cases: Sequence[Case], settings: Settings, report: Report
             ) -> Dict[str, Dict[str, Any]]:
    """Return the records of cases. What cannot be measured becomes a line of the report."""
    try:
        outcome = measure_cases(cases, settings)
    except UserError as error:
        report.left_out.append(str(error))
        return {}
    report.left_out += outcome.left_out.values()
    return compare_labels(outcome)


def modes_that_pay(modes: Sequence[str], settings: Settings, report: Report) -> List[str]:
    """Modes without those in 16 bits that would be measured in float32. These become notes."""
    device, kept = torch.device(settings.device), []
    for mode in modes:
        amp = mode_options(mode, MODES).get('model.test_cfg.amp')
        line = amp and slower_line(PRECISIONS[amp['dtype']], device)
        if line:
            report.notes.append(f'mode {mode} is not measured: {line}')
        else:
            kept.append(mode)
    return kept


def runtime_of(mode: str) -> Optional[str]:
    """Return the program that a mode asks for, or None.

    Args:
        mode: names of modes joined by ``+``.

    Raises:
        ConfigError: the program cannot be measured in one of the other modes.
        UserError: it is not installed.
    """
    names = mode.split('+')
    for runtime in [name for name in names if name in RUNTIMES]:
        others = [name for name in names if name not in (runtime, *GO_WITH[runtime])]
        if others:
            raise ConfigError(f'{runtime} does not go together with {", ".join(others)}')
        if find_spec(runtime) is None:
            raise UserError(f'{runtime} is not installed: pip install {runtime}')
        return runtime
    return None


def prediction_cases(method: str, way: str, modes: Sequence[str], image: Tuple[int, int],
                     size: Size, checkpoint: Optional[str], report: Report, images: int = 1
                     ) -> List[Case]:
    """Make a case for each mode. A mode that cannot be measured here becomes a note."""
    cases = []
    for mode in modes:
        options = mode_options(mode, MODES)
        try:
            config = method_config(method, EXACT, size)
            set_inference_mode(config, way)
            config.merge_from_dict(options)
            check_test_cfg(config.model.test_cfg)
            runtime = runtime_of(mode)
        except UserError as error:
            report.left_out.append(f'{method} in mode {mode}: {error}')
            continue
        cases.append(Case(f'{method}/{way}/{image[0]}x{image[1]}/{mode}', Prediction, dict(
            config=config, size=tuple(image), checkpoint=checkpoint,
            stock=STOCK in mode.split('+'), runtime=runtime, images=images)))
    return cases


def compare_labels(outcome: Outcome) -> Dict[str, Dict[str, Any]]:
    """Records of the cases, each compared with the exact mode if that was measured."""
    labels = {name: result.facts.pop('labels') for name, result in outcome.results.items()}
    records = {name: result.record() for name, result in outcome.results.items()}
    exact = next((name for name in records if name.endswith(f'/{EXACT}')), None)
    for name, record in records.items():
        record['images_per_second'] = record['images'] / record['seconds']
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
