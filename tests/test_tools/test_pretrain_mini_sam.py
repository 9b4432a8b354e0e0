import hashlib

import pytest
import torch

from mmseg_ssr.regularizer import FrozenSAMEncoder

TOOL = 'tools/pretrain_mini_sam.py'


def test_what_it_writes_is_an_encoder(tool, tmp_path, capsys):
    tool(TOOL).main(['--out', str(tmp_path / 'new'), '--scenes', '2', '--iterations', '40',
                     '--batch', '1', '--kinds', '8'])
    output = capsys.readouterr().out
    weights = tmp_path / 'new' / 'weights.pth'
    assert hashlib.sha256(weights.read_bytes()).hexdigest() in output
    assert 'held-out scenes: mask IoU' in output and ', kinds right ' in output
    encoder = FrozenSAMEncoder('mini', checkpoint=str(weights), input_size=64)
    other = FrozenSAMEncoder('mini', checkpoint=None, input_size=64)
    image = torch.randn(1, 3, 64, 64)
    assert encoder(image).shape == (1, 64, 8, 8)
    assert not torch.allclose(encoder(image), other(image))
    log = (tmp_path / 'new' / 'training_log.csv').read_text()
    # a line for every 50 iterations
    assert log == 'iteration,mask_loss,mask_iou,kind_loss,kind_accuracy,seconds\n'


@pytest.mark.parametrize('options, expected', [
    (['--scenes', '1'], '--scenes must be at least 2, got 1'),
    (['--looks', '1'], '--looks must be at least 2, got 1'),
    (['--kinds', '1'], '--kinds must be at least 2, got 1'),
    (['--iterations', '5'], '--iterations must be at least 40, got 5'),
    (['--batch', '0'], '--batch must be at least 1, got 0')])
def test_bad_numbers(fails, tmp_path, options, expected):
    assert expected in fails(TOOL, '--out', tmp_path / 'new', *options)
    assert not (tmp_path / 'new').exists()
