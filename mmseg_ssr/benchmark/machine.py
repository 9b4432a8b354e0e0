"""The machine and the versions that figures belong to."""
import os
import platform
import time
from typing import Any, Dict, List, Sequence

import torch

from ..versions import installed_versions
from .cases import Case, Outcome, Settings
from .measure import Workload

#: Distributions whose versions matter to speed, by the name that an index knows them by.
PACKAGES = ('torch', 'torchvision', 'numpy', 'mmcv-full', 'mmsegmentation', 'timm',
            'segment-anything', 'transformers', 'triton', 'opencv-python-headless')


def describe_machine(device: torch.device) -> Dict[str, Any]:
    """Processor, cores, memory, how busy it was when asked, and the accelerator if used."""
    described = dict(
        processor=processor_name(), cores=len(os.sched_getaffinity(0)) if hasattr(
            os, 'sched_getaffinity') else os.cpu_count(),
        vector_instructions=torch.backends.cpu.get_cpu_capability(),
        memory_bytes=memory_bytes(), system=platform.platform(), load=os.getloadavg()[0])
    if device.type != 'cpu':
        module = torch.get_device_module(device)
        described['accelerator'] = module.get_device_name(device)
        described['accelerator_memory_bytes'] = module.get_device_properties(device).total_memory
    return described


def processor_name() -> str:
    """As the system calls it."""
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            for line in file:
                if line.startswith('model name'):
                    return line.split(':', 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory_bytes() -> int:
    return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')


def describe_versions() -> Dict[str, str]:
    """Python, and what is installed of :data:`PACKAGES`."""
    return installed_versions(PACKAGES)


def timestamp() -> str:
    """Date and time in UTC, ISO 8601."""
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())


MATRIX = 'matrix product'


class MatrixProduct(Workload):
    """A product of two square matrices: what the machine computes per second at its best.

    Args:
        size: rows and columns.
        dtype: name of a floating point type of torch.
    """

    def __init__(self, device: torch.device, size: int, dtype: str):
        random = torch.Generator().manual_seed(0)
        self.a, self.b = (torch.randn(size, size, generator=random).to(
            device, getattr(torch, dtype)) for _ in range(2))
        self.out = torch.empty_like(self.a)
        self.flops = 2 * size ** 3

    def run(self) -> None:
        torch.mm(self.a, self.b, out=self.out)

    def finish(self) -> Dict[str, Any]:
        return dict(flops=self.flops)


def matrix_cases(settings: Settings, dtypes: Sequence[str], small: bool = False) -> List[Case]:
    """The matrix products that take their turns among the cases, one for each type."""
    on_cpu = torch.device(settings.device).type == 'cpu'
    cases = []
    for dtype in dtypes:
        # Without instructions for 16 bits a CPU is a hundred times slower with them.
        size = (2048 if dtype == 'float32' else 512) if on_cpu else 8192
        cases.append(Case(f'{MATRIX} {dtype}', MatrixProduct, dict(
            size=128 if small else size, dtype=dtype)))
    return cases


def matrix_rates(outcome: Outcome) -> Dict[str, float]:
    """Operations per second by floating point type in the fastest run: what the machine can do."""
    return {name[len(MATRIX) + 1:]: result.facts['flops'] / result.best_seconds
            for name, result in outcome.results.items() if name.startswith(MATRIX)}
