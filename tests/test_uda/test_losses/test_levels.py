"""Weights of a loss for the heads of a student."""
from types import SimpleNamespace

import pytest
from torch import nn

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda.losses.levels import level_weights

ONE = SimpleNamespace(decode_head=nn.Identity())
TWO = SimpleNamespace(decode_head=nn.Identity(), auxiliary_head=nn.Identity())


@pytest.mark.parametrize('student, weights, expected', [
    (ONE, None, {}), (ONE, 0, {}), (ONE, 0.1, dict(main=0.1)), (TWO, 0.1, dict(main=0.1)),
    (TWO, dict(main=0.1, aux=0.02), dict(main=0.1, aux=0.02)),
    (TWO, dict(aux=0.02), dict(aux=0.02)), (TWO, dict(main=0.1, aux=0.), dict(main=0.1)),
    (ONE, dict(main=0.1, aux=0.02), dict(main=0.1))])
def test_levels_with_a_weight(student, weights, expected):
    assert level_weights('lambda_ent', weights, student) == expected


def test_levels_that_the_student_lacks_are_named():
    several = SimpleNamespace(decode_head=nn.Identity(), auxiliary_head=nn.ModuleList(
        [nn.Identity(), nn.Identity()]))
    with pytest.raises(ConfigError, match='unknown key uda.lambda_ent.aux, .*main, aux_0, aux_1'):
        level_weights('lambda_ent', dict(aux=0.1), several)
    with pytest.raises(ConfigError, match="uda.lambda_ent.mian, did you mean 'main'"):
        level_weights('lambda_ent', dict(mian=0.1), ONE)
