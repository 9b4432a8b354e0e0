"""Whether 16 bits are said to be slower, by what the processor has."""
import platform

import pytest
import torch

from mmseg_ssr.utils import device
from mmseg_ssr.utils.device import has_instructions, slower_line

CPU = torch.device('cpu')
BFLOAT16 = '_is_avx512_bf16_supported', '_is_amx_tile_supported'


@pytest.fixture
def processor(monkeypatch):
    """Set machine and answers of torch: of AVX512-BF16, AMX and float16."""
    monkeypatch.setattr(device, 'has_instructions', has_instructions)  # not conftest's

    def set_answers(machine='x86_64', avx512=False, amx=False, float16=False):
        monkeypatch.setattr(platform, 'machine', lambda: machine)
        for name, answer in zip(BFLOAT16, (avx512, amx)):
            monkeypatch.setattr(torch.cpu, name, lambda answer=answer: answer, raising=False)
        monkeypatch.setattr(torch.ops.mkldnn, '_is_mkldnn_fp16_supported', lambda: float16,
                            raising=False)

    return set_answers


@pytest.mark.parametrize('has, bfloat16, float16', [
    ({}, True, True), (dict(avx512=True), False, True), (dict(amx=True), False, True),
    (dict(float16=True), True, False), (dict(machine='AMD64'), True, True),
    (dict(machine='aarch64'), False, False)])
def test_what_is_slower_on_which_processor(processor, has, bfloat16, float16):
    processor(**has)
    for dtype, slower in ((torch.bfloat16, bfloat16), (torch.float16, float16)):
        line = slower_line(dtype, CPU)
        assert (line is not None) is slower
        assert not slower or line.endswith(f'no instructions for {str(dtype)[6:]}')


def test_neither_accelerators_nor_other_types_are_judged(processor):
    processor()
    assert slower_line(torch.bfloat16, torch.device('cuda')) is None
    assert slower_line(torch.float32, CPU) is slower_line(None, CPU) is None


def test_a_torch_that_cannot_tell_is_not_judged(processor, monkeypatch):
    processor()
    for name in BFLOAT16:
        monkeypatch.delattr(torch.cpu, name)
    assert has_instructions(torch.bfloat16) is None and slower_line(torch.bfloat16, CPU) is None
    monkeypatch.setitem(device.QUESTIONS, torch.float16, lambda: [])
    assert slower_line(torch.float16, CPU) is None


def test_this_torch_can_tell():
    assert {type(has_instructions(dtype)) for dtype in device.QUESTIONS} == {bool}
