"""The export of a backbone that resizes its images to one size."""
import copy

import pytest
import tiny_training
from tiny_networks import ARCHITECTURES

from mmseg_ssr.deploy.export import export
from mmseg_ssr.deploy.model_file import read_model


@pytest.mark.slow
@pytest.mark.parametrize('name', ['torchscript', 'onnx'])
@pytest.mark.parametrize('input_size, fixed', [(64, None), (None, (64, 96))])
def test_the_sizes_that_a_graph_takes(data, tmp_path, name, input_size, fixed):
    if name == 'onnx':
        pytest.importorskip('onnxruntime')
    sections = tiny_training.supervised_config(data)
    sections['model'] = copy.deepcopy(ARCHITECTURES['vfmudapp'][0])
    sections['model']['backbone']['input_size'] = input_size
    checkpoint = tiny_training.untrained_checkpoint(tmp_path / 'tiny.pth', sections)
    file, = export(read_model(checkpoint), str(tmp_path / 'out'), [name], size=(64, 96))
    assert file.fixed_size == fixed, file.reason
