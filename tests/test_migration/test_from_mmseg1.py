"""Checkpoints and folders of trainings with mmseg 1.x, as the commands of mmseg 0.x read them."""
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import mmseg_ssr
from mmseg_ssr.deploy.model_file import config_in
from mmseg_ssr.engine.build import build_test_model
from mmseg_ssr.engine.checkpoint.files import write_checkpoint
from mmseg_ssr.engine.logging.history import read_history
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.migration.from_mmseg1 import to_mmseg0
from mmseg_ssr.report.runs import read_run

#: What a training of tests/mmseg1 left: ``meta`` of its checkpoint, and its log.
DATA = Path(__file__).parents[1] / 'data' / 'mmseg1'
META = json.loads((DATA / 'meta.json').read_text())


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint with this meta and random weights."""
    torch.manual_seed(0)
    network = build_test_model(config_in(dict(meta=META), 'iter_4.pth'))
    path = tmp_path / 'iter_4.pth'
    write_checkpoint(dict(meta=META, state_dict=network.state_dict()), str(path))
    return path, network


def test_the_network_and_the_preparation_are_those_of_the_training():
    cfg = config_in(dict(meta=META), 'iter_4.pth')
    assert cfg.model.type == 'EncoderDecoder' and cfg.uda.type == 'SSR'
    assert 'data_preprocessor' not in cfg.uda and 'model' not in cfg.uda
    flip = cfg.data.test.pipeline[1]
    assert flip.img_scale == (64, 32) and flip.transforms[0].keep_ratio
    assert flip.transforms[2] == dict(
        type='Normalize', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
    assert cfg.data.test.img_dir == 'leftImg8bit/val' and cfg.data.test.ann_dir == 'gtFine/val'


def test_a_checkpoint_predicts(checkpoint):
    path, network = checkpoint
    predictor = mmseg_ssr.load(str(path), device='cpu')
    assert predictor.classes[0] == 'road'
    image = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    norm = torch.tensor([[123.675, 116.28, 103.53], [58.395, 57.12, 57.375]]).view(2, 1, 3, 1, 1)
    img = (torch.from_numpy(image).permute(2, 0, 1)[None] - norm[0]) / norm[1]
    with torch.no_grad():
        expected = network.eval().encode_decode(img, None).argmax(1)[0].numpy()
    assert (predictor.predict(image).label == expected).mean() > 0.999


def test_a_folder_is_a_run_of_a_report(checkpoint):
    path, _ = checkpoint
    folder = path.parent / '20261129_135131' / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'config.py').write_text(META['cfg'])
    shutil.copy(DATA / 'scalars.json', folder)
    run = read_run(str(path.parent))
    assert run.method == 'SSR + MIC' and run.checkpoint == str(path)
    assert run.curve('decode.loss_ce')[0] == [1, 2, 3, 4]
    last = [json.loads(line) for line in (DATA / 'scalars.json').read_text().splitlines()][-1]
    assert run.miou == pytest.approx(last['mIoU'])
    assert [record['mode'] for record in read_history(path.parent)] == ['train'] * 4 + ['val']


def test_a_config_without_normalization_is_refused():
    with pytest.raises(ConfigError, match='model.data_preprocessor has no mean and std'):
        to_mmseg0(dict(model=dict(type='EncoderDecoder'), train_dataloader=dict()))
