"""The rates of the machine are those of the fastest turn, over what a turn really does."""
import pytest
import torch

from mmseg_ssr.benchmark.cases import Outcome, Result, Settings
from mmseg_ssr.benchmark.measure import Measurement
from mmseg_ssr.benchmark.rates import (
    MatrixProduct,
    MemoryCopy,
    matrix_cases,
    matrix_rates,
    memory_case,
    memory_rates,
)

TURNS = [Measurement(2., 0, 0), Measurement(.5, 0, 0)]


@pytest.mark.parametrize('dtype', ['float32', 'bfloat16'])
def test_matrix_product(dtype):
    product = MatrixProduct(torch.device('cpu'), 16, dtype)
    product.run()
    torch.testing.assert_close(product.out, product.a @ product.b)
    assert product.out.dtype is getattr(torch, dtype)
    assert product.finish() == dict(flops=2 * 16 ** 3)


def test_memory_copy():
    memory = MemoryCopy(torch.device('cpu'), 100)
    memory.run()
    assert memory.copy.eq(1).all() and memory.copy.data_ptr() != memory.source.data_ptr()
    assert memory.finish() == dict(traffic=200)


def test_rates_are_of_the_fastest_run():
    product, = matrix_cases(Settings(), ['float32'], small=True)
    outcome = Outcome({product.name: Result(TURNS, dict(flops=10)),
                       memory_case().name: Result(TURNS, dict(traffic=30)),
                       'other': Result(TURNS, dict(flops=1, traffic=1))})
    assert matrix_rates(outcome) == dict(float32=20.)
    assert memory_rates(outcome) == {'memory copy': 60.}
