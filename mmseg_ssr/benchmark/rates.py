"""The machine's own rates: matrix products, the yardstick for other cases, and memory."""
from typing import Any, Dict, List, Sequence

import torch

from .cases import Case, Outcome, Settings
from .measure import SETTLED, Workload

MATRIX = 'matrix product'
MEMORY = 'memory copy'


class MatrixProduct(Workload):
    """A product of two square matrices, which shows the machine's highest rate.

    Args:
        size: number of rows and of columns.
        dtype: name of a floating point type of torch.
    """

    settling = SETTLED

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


class MemoryCopy(Workload):
    """A copy from memory to memory of the device. Each byte is read once and written once.

    Args:
        size: number of bytes.
    """

    settling = SETTLED

    def __init__(self, device: torch.device, size: int):
        self.source = torch.ones(size, dtype=torch.uint8, device=device)
        self.copy = torch.empty_like(self.source)

    def run(self) -> None:
        self.copy.copy_(self.source)

    def finish(self) -> Dict[str, Any]:
        return dict(traffic=2 * self.source.numel())


def matrix_cases(settings: Settings, dtypes: Sequence[str], small: bool = False) -> List[Case]:
    """The matrix products that run among the cases, one for each type."""
    on_cpu = torch.device(settings.device).type == 'cpu'
    cases = []
    for dtype in dtypes:
        # A CPU without 16-bit instructions is a hundred times slower with 16-bit types.
        size = (2048 if dtype == 'float32' else 512) if on_cpu else 8192
        cases.append(Case(f'{MATRIX} {dtype}', MatrixProduct, dict(
            size=128 if small else size, dtype=dtype)))
    return cases


def memory_case(small: bool = False) -> Case:
    """The copy of a gibibyte."""
    return Case(MEMORY, MemoryCopy, dict(size=2 ** 20 if small else 2 ** 30))


def matrix_rates(outcome: Outcome) -> Dict[str, float]:
    """Operations per second of the fastest matrix product, by floating point type."""
    return {name[len(MATRIX) + 1:]: result.facts['flops'] / result.best_seconds
            for name, result in outcome.results.items() if name.startswith(MATRIX)}


def memory_rates(outcome: Outcome) -> Dict[str, float]:
    """Bytes per second that the fastest copy read and wrote; empty if it did not run."""
    return {name: result.facts['traffic'] / result.best_seconds
            for name, result in outcome.results.items() if name == MEMORY}
