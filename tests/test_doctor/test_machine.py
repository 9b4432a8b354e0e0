from collections import namedtuple

import pytest
import torch

from mmseg_ssr.doctor import Stage, machine

Usage = namedtuple('Usage', 'total used free')


@pytest.fixture(autouse=True)
def on_cpu_with_room(monkeypatch):
    monkeypatch.setattr(machine, 'pick_device', lambda: torch.device('cpu'))
    monkeypatch.setattr(machine, 'DRIVER', '/nowhere')
    monkeypatch.setattr(machine.shutil, 'disk_usage', lambda folder: Usage(1, 1, 10**12))


def test_versions_device_memory_and_disk_are_told(tmp_path):
    (versions, hardware), findings = machine.examine_machine(str(tmp_path))
    assert findings == []
    assert f'torch {torch.__version__.split("+")[0]}' in versions and 'mmcv' in versions
    assert 'device cpu' in hardware and f'1000.0 GB free in {tmp_path}' in hardware


def test_little_space(monkeypatch, tmp_path):
    monkeypatch.setattr(machine.shutil, 'disk_usage', lambda folder: Usage(1, 1, 2 * 10**9))
    _, (found, ) = machine.examine_machine(str(tmp_path))
    assert (found.title, found.file, found.found) == (
        'little space on the disk', str(tmp_path), '2.0 GB free')
    assert found.is_warning and found.stage is Stage.INSTALLATION


def test_a_driver_without_a_device(monkeypatch, tmp_path):
    (tmp_path / 'version').touch()
    monkeypatch.setattr(machine, 'DRIVER', str(tmp_path / 'version'))
    _, (found, ) = machine.examine_machine()
    assert found.title == 'the accelerator is not used' and found.is_warning


def test_a_device_that_cannot_compute(monkeypatch):
    def no_kernel(*args, **kwargs):
        raise RuntimeError('no kernel image is available for execution on the device')

    monkeypatch.setattr(machine.torch, 'ones', no_kernel)
    _, (found, ) = machine.examine_machine()
    assert 'no kernel image' in found.found and not found.is_warning
