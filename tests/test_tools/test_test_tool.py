"""tools/test.py, and that it says what mmseg's own test script says."""
import json
import pickle
import re

import numpy as np
import pytest
import tiny_training
import torch

from mmseg_ssr.engine.training.train import train
from mmseg_ssr.utils.device import pick_device

TOOL = 'test'


@pytest.fixture(scope='module')
def trained(data, tmp_path_factory):
    """(config file, checkpoint, config) of a short training of SSR."""
    from mmseg_ssr.engine.config.load import load_config
    folder = tmp_path_factory.mktemp('trained')
    path = tiny_training.write_config(folder / 'config.py', tiny_training.ssr_config(data, 12))
    cfg = load_config(path)
    cfg.checkpoint_config.interval = 12
    return path, train(cfg, str(folder), pick_device('cpu'), evaluate=False), cfg


def numbers(output):
    """(aAcc, mIoU, mAcc) and the IoUs of the classes in a printed table."""
    summary = re.findall(r'\| *([\d.]+|nan) *\| *([\d.]+|nan) *\| *([\d.]+|nan) *\|', output)[-1]
    classes = re.findall(r'\| +([a-z ]+?) +\| +([\d.]+|nan) +\|', output)
    return summary, classes


def run(tool, *arguments):
    tool(TOOL).main([str(argument) for argument in arguments])


def test_the_regularization_branch_predicts_if_asked(trained, tool, tmp_path):
    config, checkpoint, _ = trained
    content = torch.load(checkpoint, weights_only=False)
    outputs = {}
    for name, bias in (('equal', 0.), ('other', 3.)):  # of what is added to the features
        for key, value in content['training_state']['regularizer'].items():
            if '.proj.' in key:
                value.fill_(bias if key.endswith('bias') else 0.)
        torch.save(content, tmp_path / f'{name}.pth')
        run(tool, config, tmp_path / f'{name}.pth', '--branch', 'regularized', '--out',
            tmp_path / f'{name}.pkl')
        outputs[name] = pickle.loads((tmp_path / f'{name}.pkl').read_bytes())
    run(tool, config, checkpoint, '--out', tmp_path / 'shadow.pkl')
    shadow = pickle.loads((tmp_path / 'shadow.pkl').read_bytes())
    assert all(np.array_equal(*pair) for pair in zip(shadow, outputs['equal']))
    assert not all(np.array_equal(*pair) for pair in zip(shadow, outputs['other']))


def test_without_a_regularizer_there_is_no_such_branch(trained, tool, tmp_path, capsys):
    config, checkpoint, _ = trained
    content = torch.load(checkpoint, weights_only=False)
    torch.save(dict(state_dict=content['state_dict'], meta=content['meta']), tmp_path / 'plain.pth')
    with pytest.raises(SystemExit):
        run(tool, config, tmp_path / 'plain.pth', '--branch', 'regularized', '--out',
            tmp_path / 'plain.pkl')
    assert 'plain.pth holds no regularizer' in capsys.readouterr().err


def test_the_stock_script_prints_the_same_and_warns_of_no_key(trained, tool, stock, capfd,
                                                              tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, checkpoint, _ = trained
    run(tool, config, checkpoint, '--eval', 'mIoU')
    ours = numbers(capfd.readouterr().out)
    output = stock('test.py', config, checkpoint, '--eval', 'mIoU', '--cfg-options',
                   'data.workers_per_gpu=1')
    assert numbers(output) == ours
    assert len(ours[1]) == 19 and float(ours[0][0]) > 5
    assert 'unexpected key' not in output and 'missing keys' not in output
    assert 'size mismatch' not in output and 'not found in meta' not in output


def test_scores_are_written(trained, tool, tmp_path):
    config, checkpoint, _ = trained
    run(tool, config, checkpoint, '--eval', 'mIoU', 'mFscore', '--flip-test',
        '--work-dir', tmp_path / 'new', '--cfg-options', 'data.workers_per_gpu=0')
    content = json.loads((tmp_path / 'new' / 'eval.json').read_text())
    assert {'mIoU', 'mFscore', 'IoU.road'} <= set(content['metric'])
    assert content['weights'] == 'student'
    assert content['options'] == ['--flip-test', 'data.workers_per_gpu=0']


def predictions(tool, tmp_path, *arguments):
    run(tool, *arguments, '--out', tmp_path / 'out.pkl')
    with open(tmp_path / 'out.pkl', 'rb') as file:
        return pickle.load(file)


def test_the_teacher_is_another_network(trained, tool, tmp_path):
    config, checkpoint, cfg = trained
    student = predictions(tool, tmp_path, config, checkpoint)
    teacher = predictions(tool, tmp_path, config, checkpoint, '--weights', 'teacher')
    assert [label.shape for label in student + teacher] == [(32, 64)] * 6
    assert any((a != b).any() for a, b in zip(student, teacher))
    content = torch.load(checkpoint, weights_only=True)
    plain = tmp_path / 'teacher.pth'
    torch.save(dict(state_dict=content['training_state']['teachers'][0]['network']), plain)
    again = predictions(tool, tmp_path, config, plain)
    assert all((a == b).all() for a, b in zip(teacher, again))


def test_a_predecessors_checkpoint_is_tested_as_it_is(trained, tool, tmp_path):
    config, checkpoint, _ = trained
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    path = tmp_path / 'mic.pth'
    torch.save(dict(meta=dict(iter=1, best=np.float64(1)), state_dict={
        **{f'model.{name}': tensor for name, tensor in state.items()},
        **{f'ema_model.{name}': tensor * 0 for name, tensor in state.items()},
        **{f'imnet_model.{name}': tensor * 0 for name, tensor in state.items()},
        'predictor.pos_embed': torch.ones(1), 'fusion_layer.0.q.weight': torch.ones(1)}), path)
    ours = predictions(tool, tmp_path, config, checkpoint)
    theirs = predictions(tool, tmp_path, config, path)
    assert all((a == b).all() for a, b in zip(ours, theirs))


def test_pictures_and_files_for_the_server(trained, tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, checkpoint, _ = trained
    run(tool, config, checkpoint, '--show-dir', 'shown', '--opacity', '1')
    assert len(list((tmp_path / 'shown').rglob('*.png'))) == 3
    run(tool, config, checkpoint, '--format-only')
    assert len(list((tmp_path / 'format_results').glob('*.png'))) == 3
    run(tool, config, checkpoint, '--format-only', '--eval-options', 'imgfile_prefix=other')
    assert len(list((tmp_path / 'other').glob('*.png'))) == 3


def test_ways_of_testing(trained, tool, capfd):
    config, checkpoint, _ = trained
    tables = []
    larger = 'data.test.pipeline.1.img_scale=(128,64)'
    for options in ([], ['--aug-test', '--cfg-options', larger],
                    ['--inference-mode', 'slide', '--cfg-options', 'crop_size=(32,32)']):
        run(tool, config, checkpoint, '--eval', 'mIoU', *options)
        tables.append(numbers(capfd.readouterr().out))
    assert tables[0] != tables[1] and tables[0] != tables[2]


def test_flip_testing_averages_over_the_mirror_image(trained, tool, tmp_path):
    config, checkpoint, _ = trained
    plain = predictions(tool, tmp_path, config, checkpoint)
    flipped = predictions(tool, tmp_path, config, checkpoint, '--flip-test')
    by_config = predictions(tool, tmp_path, config, checkpoint, '--cfg-options',
                            'data.test.pipeline.1.flip=True')
    assert all((a == b).all() for a, b in zip(flipped, by_config))
    assert any((a != b).any() for a, b in zip(flipped, plain))


def test_label_shift_follows_the_priors_of_the_target(trained, tool, tmp_path, capsys, fails):
    config, checkpoint, _ = trained
    sky = [1e-9] * 10 + [1.] + [1e-9] * 8
    (tmp_path / 'priors.json').write_text(json.dumps(sky))
    given = predictions(tool, tmp_path, config, checkpoint, '--label-shift', '--target-priors',
                        tmp_path / 'priors.json')
    assert all((label == 10).all() for label in given)
    run(tool, config, checkpoint, '--eval', 'mIoU', '--label-shift', '--work-dir', tmp_path)
    assert 'priors of the target: 0.' in capsys.readouterr().out
    estimated = tmp_path / 'target_priors.json'
    assert len(json.loads(estimated.read_text())) == 19
    again = predictions(tool, tmp_path, config, checkpoint, '--label-shift', '--target-priors',
                        estimated)
    anew = predictions(tool, tmp_path, config, checkpoint, '--label-shift')
    assert all((a == b).all() for a, b in zip(again, anew))
    assert 'give both' in fails(TOOL, config, checkpoint, '--eval', 'mIoU', '--target-priors',
                                estimated)


def test_options_of_speed_label_the_same(trained, tool, tmp_path):
    config, checkpoint, _ = trained
    slide = ['--inference-mode', 'slide', '--cfg-options', 'crop_size=(32,32)']
    for options, more in (([], ['--amp', 'bfloat16']), (slide, ['--batched-slide', '2'])):
        expected = predictions(tool, tmp_path, config, checkpoint, *options)
        labels = predictions(tool, tmp_path, config, checkpoint, *more, *options)
        assert np.mean(np.stack(labels) == np.stack(expected)) > 0.99


def test_matrices_are_written(trained, tool, tmp_path):
    config, checkpoint, _ = trained
    matrices = predictions(tool, tmp_path, config, checkpoint, '--eval', 'mIoU')
    assert [matrix.shape for matrix in matrices] == [(19, 19)] * 3


def test_the_test_split_has_no_labels(trained, data, fails, tool, tmp_path, monkeypatch):
    import shutil
    config, checkpoint, _ = trained
    root = tmp_path / 'cityscapes'
    shutil.copytree(data / 'cityscapes' / 'leftImg8bit' / 'val', root / 'leftImg8bit' / 'test')
    option = f'data.test.data_root={root}'
    assert 'labels' in fails(TOOL, config, checkpoint, '--eval', 'mIoU', '--test-set',
                             '--cfg-options', option)
    monkeypatch.chdir(tmp_path)
    run(tool, config, checkpoint, '--format-only', '--test-set', '--cfg-options', option)
    assert len(list((tmp_path / 'format_results').glob('*.png'))) == 3


@pytest.mark.parametrize('options, message', [
    ([], 'nothing to do: give --eval mIoU'),
    (['--eval', 'mIoU', '--format-only'], '--eval and --format-only exclude each other'),
    (['--eval', 'miou'], 'the metrics are mIoU, mDice and mFscore'),
    (['--show-dir', 'x', '--eval-options', 'a=1'], '--eval-options are for --eval or'),
    (['--show-dir', 'x', '--work-dir', 'y'], '--work-dir gets the scores of --eval'),
    (['--out', 'x.txt'], '--out must end in .pkl'),
    (['--eval', 'mIoU', '--opacity', '0'], '--opacity must be in'),
    (['--eval', 'mIoU', '--batched-slide', '0'], '--batched-slide must be at least 1'),
    (['--eval', 'mIoU', '--cfg-options', 'model.test_cfg.mode=slid'], "did you mean 'slide'"),
    (['--eval', 'mIoU', '--device', 'cuda:99'], 'there is no such device here'),
    (['--eval', 'mIoU', '--cfg-options', 'model.bakbone=1'], "did you mean 'backbone'"),
])
def test_wrong_arguments(trained, fails, options, message):
    config, checkpoint, _ = trained
    assert message in fails(TOOL, config, checkpoint, *options)
