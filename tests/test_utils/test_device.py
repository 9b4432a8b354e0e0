import pytest
import torch

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.utils.device import pick_device


def test_auto_is_a_device_that_works():
    assert torch.ones(1, device=pick_device('auto')).item() == 1


@pytest.mark.parametrize('name', ['cuda:99', 'fpga', 'nonsense', 'privateuseone'])
def test_a_device_that_is_not_there(name):
    with pytest.raises(ConfigError, match=f'--device {name}: there is no such device here'):
        pick_device(name)
