"""VFM-UDA++ in miniature, with and without SSR: it resumes, and two processes are as one."""
import os
from copy import deepcopy

import pytest
import tiny_training
import torch
from comparison import assert_same
from mmcv import Config
from tiny_networks import ARCHITECTURES

from mmseg_ssr import distributed
from mmseg_ssr.engine.build import build_training_model
from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import Batch
from mmseg_ssr.utils.device import pick_device

ENCODER = tiny_training.tiny_regularizer()['encoder']
COLORS = dict(brightness=0.5, contrast=0.5, saturation=0.5, hue=0.2, jitter_probability=0.8,
              gray_probability=0.2, blur_probability=0.5)
KEYS = dict(
    alpha=0.9, pseudo_threshold=0.06, pseudo_label_mirror=True, source_loss_mean='valid',
    source_augmentation=COLORS, target_augmentation=COLORS, mix_augmentation=COLORS,
    mask_mode='separatetrgaug', mask_generator=dict(
        type='block', mask_ratio=0.5, mask_block_size=8, input_size=64),
    foundation_distance_lambda=0.1, foundation_distance_encoder=dict(type='sam', **ENCODER))
SSR = dict(type='SSR', regularizer=dict(encoder=ENCODER, stages=[1, 2, 3]))


def student():
    return deepcopy(ARCHITECTURES['vfmudapp'][0])


@pytest.mark.parametrize('ssr', [{}, SSR], ids=['plain', 'ssr'])
def test_a_resumed_training_is_that_without_a_stop(data, config, tmp_path, ssr):
    sections = tiny_training.method_config(data, 4, **KEYS, **ssr)
    sections.update(model=student(), checkpoint_config=dict(
        by_epoch=False, interval=2, max_keep_ckpts=-1))
    cfg, folder = config(sections), str(tmp_path / 'run')
    options = dict(evaluate=False, deterministic=True)
    whole = read_checkpoint(train(cfg, folder, pick_device('cpu'), **options))
    os.remove(tmp_path / 'run' / 'iter_4.pth')
    again = read_checkpoint(train(cfg, folder, pick_device('cpu'), resume_from='auto', **options))
    for part in ('state_dict', 'training_state', 'optimizer'):
        assert_same(again[part], whole[part])
    assert again['training_state']['foundation_distance']
    assert not any('foundation' in name for name in again['state_dict'])


@pytest.mark.parametrize('size, fits', [(64, True), (96, False), (None, True)])
def test_masked_images_have_the_size_of_the_backbones(size, fits):
    keys = dict(KEYS, type='DACS', mask_generator=dict(KEYS['mask_generator'], input_size=size))
    cfg = Config(dict(model=student(), uda=keys, runner=dict(max_iters=2)))
    if fits:
        build_training_model(cfg, seed=0)
        return
    with pytest.raises(ConfigError, match='mask_generator.input_size must be '
                                          'model.backbone.input_size, 64, .* got 96'):
        build_training_model(cfg, seed=0)


def gradients(ssr, share):
    """Losses and gradients for an image of each process, or for both in one process.

    In float64: batch norms of maps of 2 x 2 make much of rounding in float32.
    """
    method = build_training_model(Config(dict(
        model=student(), uda=dict(dict(KEYS, type='DACS'), **ssr), runner=dict(max_iters=2))),
        seed=0).train().double()
    for teacher in method.teachers:
        teacher.network.double()
    random = torch.Generator().manual_seed(2)
    img, target = (torch.randn(2, 3, 64, 64, generator=random).double() for _ in range(2))
    label = torch.randint(0, 19, (2, 1, 8, 8), generator=random)
    label = label.repeat_interleave(8, 2).repeat_interleave(8, 3)
    label[0, :, :40] = 255  # the images have other shares of valid pixels
    own = slice(distributed.rank(), distributed.rank() + 1) if share else slice(2)
    learned = method.forward_backward(Batch(
        img[own], label[own], torch.full((1, 3, 1, 1), 120.).double(),
        torch.full((1, 3, 1, 1), 60.).double(), target[own]))
    named = {name: torch.zeros_like(p) if p.grad is None else p.grad
             for name, p in method.named_parameters()}
    distributed.average_gradients(list(named.values()))
    losses = {name: distributed.mean(value.clone()).item()
              for name, value in learned.losses.items() if 'loss' in name}
    return losses, named


@pytest.mark.parametrize('ssr', [{}, SSR], ids=['plain', 'ssr'])
def test_two_processes_are_as_one(pair, ssr):
    (losses, first), (_, second) = pair(gradients, ssr, True)
    whole_losses, alone = gradients(ssr, False)
    assert losses == pytest.approx(whole_losses, rel=1e-6) and len(losses) >= 5
    for name, gradient in alone.items():
        assert torch.equal(first[name], second[name])
        assert (first[name] - gradient).norm() <= 1e-6 * gradient.norm() + 1e-9, name
