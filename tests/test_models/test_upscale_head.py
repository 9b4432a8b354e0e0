import torch
from mmseg.models.builder import HEADS


def test_logits_at_four_times_the_map_and_every_weight_trained():
    head = HEADS.build(dict(type='UpscaleHead', in_channels=16, num_classes=5))
    head.init_weights()
    logits = head([torch.randn(2, 16, 3, 4)])
    assert logits.shape == (2, 5, 12, 16)
    logits.square().sum().backward()
    assert all(p.grad is not None for p in head.parameters())


def test_widths_are_halved_twice():
    head = HEADS.build(dict(type='UpscaleHead', in_channels=768, num_classes=19))
    head.init_weights()
    assert head.conv_seg.in_channels == 192
    assert [layer.out_channels for layer in head.upscale if hasattr(layer, 'out_channels')] == [
        384, 192, 192]
    assert 0.09 < head.conv_seg.weight.std() < 0.11
