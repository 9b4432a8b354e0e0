"""Checks of the machine before a training."""
import os
import shutil
from typing import List, Tuple

import torch

from ..errors import said
from ..utils.device import pick_device
from ..utils.machine import describe_machine, describe_versions
from .finding import Finding, Stage

#: File that describes NVIDIA's driver, if there is one.
DRIVER = '/proc/driver/nvidia/version'
#: Two checkpoints of MiT-B5 with teacher and optimizer, the best one, logs and pictures.
DISK_BYTES = 10 * 10**9


def examine_machine(folder: str = '.') -> Tuple[List[str], List[Finding]]:
    """Give facts, a line each, and findings.

    Args:
        folder: folder that trainings write into.
    """
    device = pick_device()
    facts = describe_machine(device)
    free = shutil.disk_usage(folder).free
    lines = [', '.join(f'{name} {version}' for name, version in describe_versions().items()),
             f'device {facts.get("accelerator", "cpu")}, {facts["cores"]} cores '
             f'({facts["processor"]}), {_gigabytes(facts["memory_bytes"])} of memory, '
             f'{_gigabytes(free)} free in {os.path.abspath(folder)}']
    return lines, [*_check_device(device), *_check_disk(folder, free)]


def _check_device(device: torch.device) -> List[Finding]:
    if device.type == 'cpu' and os.path.exists(DRIVER):
        return [Finding(
            Stage.INSTALLATION, 'the accelerator is not used', DRIVER,
            'the system has a driver of NVIDIA, torch finds no device: it is built for the CPU, '
            'or its CUDA does not fit the driver', 'a torch that was built for this machine',
            'install torch anew by the selector of pytorch.org, then: make setup', True)]
    try:
        torch.ones(2, device=device).sum().item()
    except (RuntimeError, NotImplementedError) as error:
        return [Finding(
            Stage.INSTALLATION, 'the accelerator cannot compute', str(device), said(error),
            'a torch that was built for this device', 'install a torch that knows the device by '
            'the selector of pytorch.org, then: make setup')]
    return []


def _check_disk(folder: str, free: int) -> List[Finding]:
    if free >= DISK_BYTES:
        return []
    return [Finding(
        Stage.INSTALLATION, 'little space on the disk', os.path.abspath(folder),
        f'{_gigabytes(free)} free', f'{_gigabytes(DISK_BYTES)}, for checkpoints of a large network',
        'make room, or let trainings write elsewhere (--work-dir)', True)]


def _gigabytes(count: int) -> str:
    return f'{count / 10**9:.1f} GB'
