"""The same seed gives the same bits, in another process, with any number of loader workers."""
import pytest
import tiny_training
import torch
from comparison import assert_same, outcome

from mmseg_ssr.engine.build import build_training_dataset
from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.data_loader import training_loader

from .trainings import finish


@pytest.mark.parametrize('workers', [0, 2])
def test_the_same_seed_gives_the_same_training(undisturbed, configs, tmp_path, workers):
    finish(configs[workers], tmp_path / 'run')
    assert_same(outcome(tmp_path / 'run'), undisturbed.outcome)


def test_another_seed_gives_another_training(undisturbed, configs, tmp_path):
    finish(configs[0], tmp_path / 'run', '--seed', '4', '--cfg-options', 'runner.max_iters=1')
    one, other = (read_checkpoint(str(folder / 'iter_1.pth')) for folder in (
        tmp_path / 'run', undisturbed.folder.parent / 'warm'))
    weights = [name for name in one['state_dict'] if name.endswith('weight')]
    assert all(not torch.equal(one['state_dict'][name], other['state_dict'][name])
               for name in weights if one['state_dict'][name].dim() > 1)


def samples(cfg, seed, workers):
    """What the loader gives in six iterations, as one tensor each for images and labels."""
    batches = list(training_loader(build_training_dataset(cfg, seed), 2, 6, seed,
                                   workers=workers))
    return {key: torch.stack([batch[key].data[0] for batch in batches])
            for key in ('img', 'gt_semantic_seg', 'target_img')}


def test_the_same_seed_gives_the_same_data(data, config):
    cfg = config(tiny_training.ssr_config(data))
    expected = samples(cfg, 3, 0)
    for workers in (0, 1, 2):
        assert_same(samples(cfg, 3, workers), expected)
    for key, value in samples(cfg, 4, 0).items():
        assert not torch.equal(value, expected[key])
