import torch
from mmcv.parallel import DataContainer
from torch import nn

from mmseg_ssr.engine.on_device import OnDevice, to_device

CPU = torch.device('cpu')


def test_containers_are_unpacked_at_any_depth():
    batch = dict(img=DataContainer([torch.ones(2, 3)], stack=True),
                 img_metas=[DataContainer([[dict(a=1)]], cpu_only=True)], text='x', pair=(1, 2))
    unpacked = to_device(batch, CPU)
    assert torch.equal(unpacked['img'], torch.ones(2, 3))
    assert unpacked['img_metas'] == [[dict(a=1)]]
    assert unpacked['text'] == 'x' and unpacked['pair'] == (1, 2)


class Model(nn.Module):
    def forward(self, img, return_loss=True):
        return img * 2 if return_loss else img

    def train_step(self, batch, optimizer, **kwargs):
        return batch['img'] + optimizer


def test_a_model_on_a_device_takes_containers():
    model = OnDevice(Model(), CPU)
    img = DataContainer([torch.ones(1)], stack=True)
    assert model(img=img).item() == 2
    assert model(img=[img], return_loss=False)[0].item() == 1
    assert model.train_step(dict(img=img), 5).item() == 6
