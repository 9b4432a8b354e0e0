import argparse

import pytest
import torch

from mmseg_ssr.weights import read_weights

TOOL = 'plain_weights'


@pytest.mark.parametrize('key', ['model', 'state_dict', None])
def test_tensors_alone(tool, tmp_path, capsys, key):
    weights = dict(a=torch.ones(2), b=torch.zeros(3))
    content = dict(weights, n=3) if key is None else {key: weights}
    if key:
        content['args'] = argparse.Namespace(lr=1)
    path = tmp_path / 'published.pth'
    torch.save(content, path)
    tool(TOOL).main([str(path), str(tmp_path / 'plain.pth'), '--trust'])
    assert set(read_weights(tmp_path / 'plain.pth')) == {'a', 'b'}
    assert '2 tensors of' in capsys.readouterr().out


def test_without_trust_it_is_refused(fails, tmp_path):
    torch.save(dict(args=argparse.Namespace(lr=1)), tmp_path / 'x.pth')
    assert 'could run code' in fails(TOOL, tmp_path / 'x.pth', tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()


def test_nothing_to_write(fails, tmp_path):
    torch.save(dict(n=3), tmp_path / 'x.pth')
    assert 'holds no weights' in fails(TOOL, tmp_path / 'x.pth', tmp_path / 'out.pth')
