import torch
from mmseg.models.builder import HEADS
from torch.nn import functional as F

FEATURES = [torch.zeros(1)] * 3


def head(**options):
    return HEADS.build(dict(
        dict(type='DLV2Head', in_channels=4, num_classes=3, dilations=(1, 2)), **options))


def test_logits_are_the_sum_of_the_atrous_convolutions():
    dlv2, feature = head().eval(), torch.randn(2, 4, 9, 9)
    one, two = (module.conv for module in dlv2.aspp_modules)
    expected = F.conv2d(feature, one.weight, one.bias) \
        + F.conv2d(feature, two.weight, two.bias, padding=2, dilation=2)
    torch.testing.assert_close(dlv2([*FEATURES, feature]), expected)


def test_parameters_have_the_published_names():
    names = set(head(dilations=(6, 12, 18, 24)).state_dict())
    assert names == {f'aspp_modules.{i}.conv.{kind}' for i in range(4)
                     for kind in ('weight', 'bias')}


def test_weights_start_small():
    dlv2 = head(in_channels=64)
    dlv2.init_weights()
    for module in dlv2.aspp_modules:
        assert 0.008 < module.conv.weight.std() < 0.012 and not module.conv.bias.any()
