"""A small HRDA segmentor, for the tests of its parts and of its training."""
import pytest
import torch
from mmseg.models.builder import SEGMENTORS


class FixedBox:
    """Draws one box, rows 16 to 47 and columns 32 to 63, and keeps what it was asked for."""

    def crop_box(self, *args):
        self.args = args
        return 16, 48, 32, 64


@pytest.fixture
def draws():
    return FixedBox()


@pytest.fixture
def hrda_config(daformer_b0):
    """HRDA on the small DAFormer network: detail crops of 32 x 32 pixels."""
    head = dict(daformer_b0.decode_head, type='HRDAHead', single_scale_head='DAFormerHead',
                attention_embed_dim=8, hr_loss_weight=0.1)
    daformer_b0.update(
        type='HRDAEncoderDecoder', decode_head=head, scales=[1, 0.5], hr_crop_size=[32, 32],
        feature_scale=0.5, crop_coord_divisible=8)
    return daformer_b0


@pytest.fixture
def hrda(hrda_config):
    return SEGMENTORS.build(hrda_config).eval()


@pytest.fixture
def img():
    return torch.randn(2, 3, 64, 64)
