"""MobileNetV2 starts from the files of torchvision and OpenMMLab."""
import pytest
import torch
from mmseg.models.builder import BACKBONES
from torchvision import models

from mmseg_ssr.engine.checkpoint.pretrained import initialize
from mmseg_ssr.errors import CheckpointError, MissingFile


def randomized(network):
    """Random numbers in every parameter and statistic, in eval mode."""
    generator = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            fresh = torch.rand(value.shape, generator=generator)
            value.copy_(0.5 + fresh if 'var' in name else fresh - 0.5 if value.ndim == 1
                        else (fresh - 0.5) / value[0].numel()**0.5)
    return network.eval()


@pytest.fixture
def theirs():
    return randomized(models.mobilenet_v2(weights=None))


def started(path, **options):
    network = BACKBONES.build(dict(type='mobilenet_v2', pretrained=str(path), **options))
    initialize(network)
    return network.eval()


def test_computes_what_torchvision_computes(theirs, tmp_path):
    torch.save(theirs.state_dict(), tmp_path / 'mobilenet_v2.pth')
    img = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    expected, feature = [], img
    with torch.no_grad():
        for i, block in enumerate(theirs.features):
            feature = block(feature)
            if i in (3, 6, 13, 17):
                expected.append(feature)
        found = started(tmp_path / 'mobilenet_v2.pth')(img)
    assert [tuple(f.shape[1:]) for f in found] == [
        (24, 16, 24), (32, 8, 12), (96, 4, 6), (320, 2, 3)]
    for one, other in zip(found, expected):
        torch.testing.assert_close(one, other)


def test_starts_from_the_names_of_openmmlab(theirs, tmp_path):
    torch.save(theirs.state_dict(), tmp_path / 'torchvision.pth')
    first = started(tmp_path / 'torchvision.pth')
    torch.save(dict(state_dict={f'backbone.{name}': value
                                for name, value in first.state_dict().items()}),
               tmp_path / 'openmmlab.pth')
    second = started(tmp_path / 'openmmlab.pth')
    for one, other in zip(first.state_dict().values(), second.state_dict().values()):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_starts_anew_without_a_file():
    network = BACKBONES.build(dict(type='mobilenet_v2'))
    network.init_weights()
    assert network.conv1.conv.weight.std() > 0 and (network.conv1.bn.weight == 1).all()


@pytest.mark.parametrize('other, message', [
    (lambda: models.mobilenet_v2(weights=None, width_mult=0.5), 'its shapes differ'),
    (lambda: models.resnet18(weights=None), 'is no file of ImageNet weights for MobileNetV2')])
def test_files_of_other_networks_are_refused(other, message, tmp_path):
    torch.save(randomized(other()).state_dict(), tmp_path / 'other.pth')
    with pytest.raises(CheckpointError, match=message):
        started(tmp_path / 'other.pth')


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(MissingFile, match='mmseg-ssr weights mobilenet_v2'):
        started(tmp_path / 'mobilenet_v2.pth')
