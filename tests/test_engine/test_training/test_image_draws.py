"""A plain segmentor that draws for images goes on as if it had never stopped."""
import copy

import tiny_training
import torch
from tiny_networks import ARCHITECTURES

from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.uda import Draws

CPU = torch.device('cpu')


def test_resumed_training_draws_what_a_straight_one_draws(data, tmp_path, monkeypatch):
    begun = []
    start = Draws.start_iteration
    monkeypatch.setattr(Draws, 'start_iteration', lambda draws, iteration, first_image=0: (
        begun.append((draws.seed, iteration, first_image)), start(draws, iteration, first_image)))
    config = dict(tiny_training.supervised_config(data, 4),
                  model=copy.deepcopy(ARCHITECTURES['sarformer'][0]))
    cfg = load_config(tiny_training.write_config(tmp_path / 'config.py', config))
    straight = train(cfg, str(tmp_path / 'straight'), CPU, evaluate=False)
    assert [one for one in begun if one[0] == 3][-4:] == [(3, i, 0) for i in range(4)]
    half = str(tmp_path / 'straight/iter_2.pth')
    resumed = train(cfg, str(tmp_path / 'resumed'), CPU, evaluate=False, resume_from=half)
    assert begun[-2:] == [(3, 2, 0), (3, 3, 0)]
    one, other = (read_checkpoint(path)['state_dict'] for path in (straight, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)
