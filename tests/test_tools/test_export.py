"""tools/export.py, and that what it writes is used by others: mmseg's test script."""
import json

import pytest
import tiny_training

import mmseg_ssr

TOOL = 'tools/export.py'


@pytest.mark.slow
def test_mmsegs_test_script_takes_the_plain_checkpoint(tool, capsys, stock, data, untrained,
                                                       tmp_path, config_file):
    tool(TOOL).main([untrained, '--out', str(tmp_path)])
    said = capsys.readouterr().out
    assert f'{tmp_path}/model.pth: ' in said and 'images of any size, logits within 0.0e+00' in said
    assert 'MODEL_CARD.md: model card' in said
    config = config_file(tiny_training.method_config(data))
    output = stock('test.py', config, tmp_path / 'model.pth', '--eval', 'mIoU')
    assert 'mIoU' in output and 'unexpected' not in output and 'missing' not in output


def test_formats_and_numbers(tool, capsys, untrained, tmp_path):
    (tmp_path / 'eval.json').write_text(json.dumps(dict(metric=dict(mIoU=0.25))))
    tool(TOOL).main([untrained, '--out', str(tmp_path), '--formats', 'mmseg', 'torchscript',
                     '--size', '64', '96', '--fixed-size', '--numbers',
                     str(tmp_path / 'eval.json')])
    assert 'model.torchscript: ' in capsys.readouterr().out
    card = (tmp_path / 'MODEL_CARD.md').read_text()
    assert '| mIoU | 25.00 |' in card and '64 x 96 only (as asked for)' in card
    assert mmseg_ssr.load(tmp_path / 'model.pth', device='cpu').classes[0] == 'road'


@pytest.mark.parametrize('arguments, message', [
    (['--size', '10', '64'], '--size must be at least 64 64'),
    (['--numbers', 'none.json'], 'scores none.json are missing'),
    (['--weights', 'teacher'], 'give --weights student'),
])
def test_wrong_arguments(fails, untrained, tmp_path, arguments, message):
    assert message in fails(TOOL, untrained, '--out', tmp_path / 'out', *arguments)
    assert not (tmp_path / 'out').exists()


def test_missing_model(fails, tmp_path):
    for name in ('none.pth', 'none.safetensors'):
        assert f'{name} is missing' in fails(TOOL, tmp_path / name, '--out', tmp_path / 'out')
