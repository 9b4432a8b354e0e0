"""What the machine can do."""
import pytest
import torch

from mmseg_ssr.benchmark.cases import Outcome, Result, Settings
from mmseg_ssr.benchmark.matrix_rate import MatrixProduct, matrix_cases, matrix_rates
from mmseg_ssr.benchmark.measure import Measurement


@pytest.mark.parametrize('dtype', ['float32', 'bfloat16'])
def test_matrix_product(dtype):
    product = MatrixProduct(torch.device('cpu'), 16, dtype)
    product.run()
    torch.testing.assert_close(product.out, product.a @ product.b)
    assert product.out.dtype is getattr(torch, dtype)
    assert product.finish() == dict(flops=2 * 16 ** 3)


def test_rate_is_of_the_fastest_run():
    case, = matrix_cases(Settings(), ['float32'], small=True)
    result = Result([Measurement(2., 0, 0), Measurement(.5, 0, 0)], dict(flops=10))
    assert matrix_rates(Outcome({case.name: result, 'other': result})) == dict(float32=20.)
