"""Other programs that run the exported network: they label as torch does."""
import numpy as np
import pytest
import torch

from mmseg_ssr.benchmark import inference
from mmseg_ssr.benchmark.cases import Outcome, Result, Settings
from mmseg_ssr.benchmark.measure import Measurement
from mmseg_ssr.benchmark.methods import SMALL
from mmseg_ssr.benchmark.report import Report
from mmseg_ssr.errors import ConfigError, UserError
from mmseg_ssr.utils import device

CPU = torch.device('cpu')
NEEDED = ('onnx', 'onnxscript', 'onnxruntime')


def cases(modes, way='whole', images=1):
    report = Report()
    return inference.prediction_cases('daformer', way, modes, (96, 64), SMALL, None, report,
                                      images), report.left_out


@pytest.fixture
def all_installed(monkeypatch):
    monkeypatch.setattr(inference, 'find_spec', lambda name: name)


@pytest.mark.slow
@pytest.mark.parametrize('mode, way', [('onnxruntime', 'whole'), ('openvino', 'slide')])
def test_the_exported_network_labels_the_same(mode, way):
    for package in (*NEEDED, mode):
        pytest.importorskip(package)
    (plain, other), left_out = cases(['exact', mode], way, images=2)
    exact, found = (case.build(CPU, **case.arguments) for case in (plain, other))
    assert not left_out and all(weight.is_meta for weight in found.model.parameters())
    with torch.inference_mode():
        size = exact.model.test_cfg.get('crop_size', exact.img.shape[2:])
        images = exact.img[:, :, :size[0], :size[1]]
        expected = exact.model.encode_decode(images, None)
        logits = found.model.encode_decode(images, None)
    assert (logits - expected).abs().max() < 1e-3 * expected.std()
    assert (expected[0] - expected[1]).abs().max() > 1e-2 * expected.std()
    for workload in (exact, found):
        workload.run()
    assert found.labels.shape == (2, 64, 96) and found.finish()['images'] == 2
    assert (found.labels == exact.labels).mean() > 0.99


def test_programs_are_left_out_with_a_note(all_installed, monkeypatch):
    made, left_out = cases(['onnxruntime+bf16', 'openvino+bf16', 'openvino+compile'])
    assert [case.arguments['runtime'] for case in made] == ['openvino']
    assert [note.rsplit(': ', 1)[1] for note in left_out] == [
        'onnxruntime does not go together with bf16', 'openvino does not go together with compile']
    monkeypatch.setattr(inference, 'find_spec', lambda name: None)
    assert cases(['openvino']) == ([], [
        'daformer in mode openvino: openvino is not installed: pip install openvino'])
    assert inference.runtime_of('bf16+compile') is None


def test_a_method_that_fails_does_not_take_the_others_along(monkeypatch):
    def measured(cases, settings):
        if cases[0].name.startswith('hrda'):
            raise UserError('its weights do not fit')
        facts = dict(labels=np.zeros(1), images=1)
        return Outcome({case.name: Result([Measurement(.5, 0, 0)], dict(facts)) for case in cases})

    monkeypatch.setattr(inference, 'measure_cases', measured)
    given = dict(ways=['whole'], modes=['exact'], sizes=[(96, 64)], size=SMALL, settings=Settings())
    report = inference.benchmark_inference(['daformer', 'hrda'], **given)
    assert list(report.record['cases']) == ['daformer/whole/96x64/exact']
    assert report.left_out == ['its weights do not fit']
    with pytest.raises(UserError, match='its weights do not fit'):
        inference.benchmark_inference(['hrda'], **given)


def test_programs_run_on_a_cpu_alone(all_installed):
    (case, ), _ = cases(['openvino'])
    workload = inference.Prediction.__new__(inference.Prediction)
    with pytest.raises(ConfigError, match='openvino is measured on a CPU alone'):
        workload.leave_to(case.arguments['runtime'], torch.device('meta'))


def test_modes_in_16_bits_are_not_measured_in_float32(monkeypatch):
    monkeypatch.setattr('platform.machine', lambda: 'x86_64')
    monkeypatch.setattr(device, 'has_instructions', lambda dtype: dtype != torch.float16)
    report, modes = Report(), ['exact', 'bf16', 'fp16', 'fp16+compile', 'openvino']
    assert inference.modes_that_pay(modes, Settings(), report) == ['exact', 'bf16', 'openvino']
    assert len(report.notes) == 2 and 'mode fp16 is not measured: 16 bits' in report.notes[0]
    assert inference.modes_that_pay(modes, Settings('cuda'), report) == modes
