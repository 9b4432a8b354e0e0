"""tools/export.py, and that what it writes is used by others: mmseg."""
import json

import numpy as np
import pytest
import tiny_training
from mmseg.apis import inference_segmentor, init_segmentor

import mmseg_ssr
from mmseg_ssr.engine.checkpoint.files import read_checkpoint, write_checkpoint

TOOL = 'export'


def test_mmseg_takes_the_plain_checkpoint(tool, capsys, data, untrained, tmp_path, config_file):
    tool(TOOL).main([untrained, '--out', str(tmp_path)])
    said = capsys.readouterr().out
    assert f'{tmp_path}/model.pth: ' in said and 'images of any size, logits within 0.0e+00' in said
    assert 'MODEL_CARD.md: model card' in said
    network = init_segmentor(config_file(tiny_training.method_config(data)),
                             str(tmp_path / 'model.pth'), device='cpu')
    assert 'match' not in capsys.readouterr().out  # no key is missing or unexpected
    image = next((data / 'cityscapes/leftImg8bit/val').rglob('*.png'))
    np.testing.assert_array_equal(
        inference_segmentor(network, str(image))[0],
        mmseg_ssr.load(tmp_path / 'model.pth', device='cpu').predict(image).label)


def test_formats_and_numbers(tool, capsys, untrained, tmp_path):
    (tmp_path / 'eval.json').write_text(json.dumps(dict(metric=dict(mIoU=0.25))))
    tool(TOOL).main([untrained, '--out', str(tmp_path), '--formats', 'mmseg', 'torchscript',
                     '--size', '64', '96', '--fixed-size', '--numbers',
                     str(tmp_path / 'eval.json')])
    assert 'model.torchscript: ' in capsys.readouterr().out
    card = (tmp_path / 'MODEL_CARD.md').read_text()
    assert '| mIoU | 25.00 |' in card and '64 x 96 only (as asked for)' in card
    assert mmseg_ssr.load(tmp_path / 'model.pth', device='cpu').classes[0] == 'road'


def test_the_card_of_a_teacher_has_no_scores_of_the_student(tool, untrained, tmp_path):
    content = read_checkpoint(untrained)
    content['training_state'] = dict(teachers=[dict(network=content['state_dict'])])
    write_checkpoint(content, str(tmp_path / 'iter_7.pth'))
    (tmp_path / 'result.json').write_text(json.dumps(dict(
        checkpoint='iter_7.pth', scores=dict(mIoU=20.0))))
    cards = {}
    for role in ('student', 'teacher'):
        tool(TOOL).main([str(tmp_path / 'iter_7.pth'), '--out', str(tmp_path / role),
                         '--weights', role])
        cards[role] = (tmp_path / role / 'MODEL_CARD.md').read_text()
        assert f'| weights | of the {role}, from iter_7.pth |' in cards[role]
    assert '| mIoU | 20.00 |' in cards['student']
    assert 'mIoU' not in cards['teacher'].split('## Config')[0]
    assert 'No scores of these weights were found' in cards['teacher']


@pytest.mark.parametrize('arguments, message', [
    (['--size', '10', '64'], '--size must be at least 64 64'),
    (['--fixed-size'], '--size and --fixed-size are for graphs: give one of torchscript'),
    (['--numbers', 'none.json'], 'none.json is missing'),
    (['--weights', 'teacher'], 'give --weights student'),
])
def test_wrong_arguments(fails, untrained, tmp_path, arguments, message):
    assert message in fails(TOOL, untrained, '--out', tmp_path / 'out', *arguments)
    assert not (tmp_path / 'out').exists()


def test_missing_model(fails, tmp_path):
    for name in ('none.pth', 'none.safetensors'):
        assert f'{name} is missing' in fails(TOOL, tmp_path / name, '--out', tmp_path / 'out')
