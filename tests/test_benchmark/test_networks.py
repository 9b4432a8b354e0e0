"""Ours and the peers compute the same, so that timing them beside each other says something."""
import numpy as np
import pytest
import torch

from mmseg_ssr.benchmark import encoder, networks, peers
from mmseg_ssr.benchmark.cases import Outcome, Settings
from mmseg_ssr.benchmark.encoder import relative_difference
from mmseg_ssr.benchmark.methods import SMALL, SMALL_SAM
from mmseg_ssr.errors import ConfigError

CPU = torch.device('cpu')


def result(build, *args, **options):
    workload = build(CPU, *args, **options)
    facts = {**workload.warm_up(), **workload.finish()}
    return facts['output'], facts['flops']


@pytest.fixture(scope='module')
def sam_weights(tmp_path_factory):
    path = str(tmp_path_factory.mktemp('sam') / 'sam.pth')
    peers.random_sam_weights(path, SMALL_SAM)
    return path


@pytest.mark.parametrize('package', peers.SAM_ENCODERS)
def test_sam_encoders_agree(package, sam_weights):
    if package == 'transformers':
        pytest.importorskip('transformers')
    options = dict(checkpoint=sam_weights, crop=32, batch=1, encoder_args=SMALL_SAM)
    ours, flops = result(networks.sam_encoding, 'mmseg_ssr', 64, **options)
    other, _ = result(networks.sam_encoding, package, 64, **options)
    assert ours.shape == (1, 256, 4, 4) and flops > 0
    assert relative_difference(other, ours) < 1e-4


def test_every_table_of_the_random_sam_counts(sam_weights):
    weights = torch.load(sam_weights, weights_only=True)
    tables = [value for name, value in weights.items() if 'pos' in name]
    assert len(tables) == 5 and all(table.abs().min() > 0 for table in tables)


def test_a_package_that_is_not_there(monkeypatch, sam_weights):
    def missing(*args):
        raise ImportError('No module named x')

    monkeypatch.setitem(peers.SAM_ENCODERS, 'x', missing)
    with pytest.raises(ConfigError, match='x is not installed .*No module named'):
        networks.sam_encoding(CPU, 'x', 64, sam_weights, 32, 1, SMALL_SAM)


@pytest.mark.parametrize('train', [False, True])
def test_mit_encoders_agree(train):
    ours, other = (result(networks.mit_encoding, package, 'mit_b0', 64, 1, train)
                   for package in peers.MIT_ENCODERS)
    assert relative_difference(other[0], ours[0]) < 1e-3
    assert np.abs(ours[0]).max() > 0
    if not train:  # the gradients of fused attention take more operations
        assert ours[1] == other[1] > 0


def test_regularizers_agree():
    channels = (8, 16, 40, 64)
    fused, written_out = (result(networks.regularizing, fused, channels, 32, 2, (12, 4))
                          for fused in (True, False))
    assert fused[0].shape == (2, 8, 8, 8)
    assert relative_difference(fused[0], written_out[0]) < 1e-5


def test_teacher_updates_agree():
    own, *others = (networks.averaging(CPU, how, SMALL)
                    for how in ('own', 'in place', 'by copies'))
    before = own.compute()
    own.run()
    for other in others:
        other.run()
        other.run()
        np.testing.assert_allclose(other.output, own.output, rtol=1e-5, atol=1e-7)
    assert not torch.equal(before, own.output)


def test_drawn_images_are_normalized_pictures():
    images = networks.drawn_images(2, 48)
    assert images.shape == (2, 3, 48, 48) and images.dtype is torch.float32
    assert -2.2 < images.min() and images.max() < 2.7 and images.std() > 0.2
    assert not torch.equal(images[0], images[1])


@pytest.mark.parametrize('device, times', [('cpu', 2), ('cuda', 0)])
def test_peers_give_memory_back_on_a_cpu_alone(device, times, monkeypatch):
    measured = []
    monkeypatch.setattr(encoder, 'measure_cases',
                        lambda cases, settings: measured.extend(cases) or Outcome())
    encoder.benchmark_encoder(['mit'], encoder.Options(SMALL), Settings(device))
    given_back = [case.name for case in measured if not case.keep_memory]
    assert len(given_back) == times
    assert all(name.endswith(', mmseg, memory given back') for name in given_back)
