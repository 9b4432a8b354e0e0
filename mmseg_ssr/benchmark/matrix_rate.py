"""What the machine's matrix products reach: the measure of everything else."""
from typing import Any, Dict, List, Sequence

import torch

from .cases import Case, Outcome, Settings
from .measure import Workload

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
