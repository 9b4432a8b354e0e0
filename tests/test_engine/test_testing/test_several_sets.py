"""``data.val`` and ``data.test`` as several sets, in every command that scores."""
import json
import math

import numpy as np
import pytest
import tiny_training
from mmcv import Config
from tiny_training import streets_val, untrained_checkpoint

from mmseg_ssr.commands import test as test_command
from mmseg_ssr.commands.runs import train as train_command
from mmseg_ssr.datasets.several_sets import SeveralSets, build_scored
from mmseg_ssr.deploy.numbers import read_numbers
from mmseg_ssr.engine.build import build_test_dataset, build_test_model, limit_images
from mmseg_ssr.engine.checkpoint.weights import load_weights
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.experiments.run import startup_test
from mmseg_ssr.engine.logging.history import read_history
from mmseg_ssr.engine.testing import options as options_of_tests
from mmseg_ssr.engine.testing.evaluate import run_test, scores
from mmseg_ssr.engine.testing.label_shift import target_images
from mmseg_ssr.engine.testing.options import set_test_split
from mmseg_ssr.engine.training.train import train
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.report.predictions import Checkpointed
from mmseg_ssr.report.runs import read_run
from mmseg_ssr.report.tables import classes
from mmseg_ssr.utils.device import pick_device

CPU = pick_device('cpu')
#: Images in the two sets.
COUNTS = [3, 4]


def two(data):
    """The validation images, and the labeled images of the target's training."""
    other = dict(streets_val(data), img_dir='leftImg8bit/train', ann_dir='gtFine/train')
    return [streets_val(data), other]


def listed(data):
    """The same with lists of folders."""
    return dict(streets_val(data), img_dir=['leftImg8bit/val', 'leftImg8bit/train'],
                ann_dir=['gtFine/val', 'gtFine/train'])


def concat(data, **options):
    return dict(type='ConcatDataset', datasets=two(data), **options)


FORMS = dict(list=two, folders=listed, concat=concat)


def sections(data, form=two, kind=tiny_training.method_config, **changes):
    found = dict(kind(data, 2), **changes)
    found['data'].update(val=form(data), test=form(data))
    return found


@pytest.fixture(scope='module')
def checkpoint(data, tmp_path_factory):
    return untrained_checkpoint(tmp_path_factory.mktemp('sets') / 'model.pth',
                                tiny_training.method_config(data))


def measured(config, checkpoint, split='test', **options):
    cfg = Config(config)
    model = build_test_model(cfg)
    load_weights(model, checkpoint)
    dataset = build_test_dataset(cfg, split)
    return scores(dataset, run_test(model, dataset, CPU, **options))


@pytest.fixture(scope='module')
def alone(data, checkpoint):
    """The scores of each set for itself."""
    found = []
    for one in two(data):
        config = tiny_training.method_config(data)
        config['data']['test'] = one
        found.append(measured(config, checkpoint))
    assert found[0]['mIoU'] != found[1]['mIoU']
    return found


def expected(alone):
    """All scores: of each set under its number, and their means."""
    values = {f'{i}_{name}': value for i, own in enumerate(alone) for name, value in own.items()}
    for name in alone[0]:
        known = [own[name] for own in alone if not math.isnan(own[name])]
        values[name] = float(np.mean(known)) if known else math.nan
    return values


@pytest.mark.parametrize('form', FORMS)
def test_each_set_has_its_scores_and_the_plain_ones_are_their_means(data, checkpoint, alone, form):
    config = sections(data, FORMS[form])
    validate(Config(config))
    found = measured(config, checkpoint)
    assert found == pytest.approx(expected(alone), nan_ok=True)
    assert next(name for name in found) == 'aAcc'  # the plain ones come first


def test_sets_that_are_scored_as_one(data, checkpoint, alone):
    config = sections(data, lambda data: concat(data, separate_eval=False))
    validate(Config(config))
    found = measured(config, checkpoint)
    whole = tiny_training.method_config(data)
    whole['data']['test'] = dict(streets_val(data), img_dir='leftImg8bit', ann_dir='gtFine')
    joined = measured(whole, checkpoint)
    assert found['mIoU'] == pytest.approx(joined['mIoU']) and '0_mIoU' not in found
    assert found['mIoU'] != pytest.approx((alone[0]['mIoU'] + alone[1]['mIoU']) / 2)


def test_sets_in_sets(data, checkpoint, alone):
    config = sections(data, lambda data: [streets_val(data), concat(data)])
    found = measured(config, checkpoint)
    inner = expected(alone)['mIoU']
    assert found['1_mIoU'] == pytest.approx(inner) and found['1_1_mIoU'] == alone[1]['mIoU']
    assert found['mIoU'] == pytest.approx((alone[0]['mIoU'] + inner) / 2)


@pytest.mark.parametrize('kind', [tiny_training.method_config, tiny_training.supervised_config])
def test_a_training_logs_every_set_and_keeps_the_best_of_the_mean(data, config, tmp_path, kind):
    found = sections(data, two, kind, evaluation=dict(interval=1, metric='mIoU', save_best='mIoU'))
    train(config(found), str(tmp_path), CPU)
    records = [one for one in read_history(tmp_path) if one['mode'] == 'val']
    assert len(records) == 2
    for record in records:
        each = [record['0_mIoU'], record['1_mIoU']]
        assert record['mIoU'] == pytest.approx(sum(each) / 2, abs=1e-4)
    best = max(records, key=lambda record: record['mIoU'])
    assert (tmp_path / f'best_mIoU_iter_{best["iter"]}.pth').exists()


@pytest.mark.parametrize('options', [
    [], ['--flip-test'], ['--aug-test'], ['--label-shift'], ['--inference-mode', 'whole']])
def test_the_test_tool_scores_every_set(data, config_file, checkpoint, tmp_path, alone, options,
                                        monkeypatch):
    monkeypatch.setattr(options_of_tests, 'AUG_SCALES', [1., 1.5])  # half the tiny image is too few
    config = config_file(sections(data))
    test_command.main([config, checkpoint, '--eval', 'mIoU', '--device', 'cpu',
                       '--work-dir', str(tmp_path), *options])
    metric = json.loads((tmp_path / 'eval.json').read_text())['metric']
    assert metric['mIoU'] == pytest.approx((metric['0_mIoU'] + metric['1_mIoU']) / 2)
    if not options:
        assert metric['1_mIoU'] == pytest.approx(alone[1]['mIoU'])
    numbers = read_numbers(str(tmp_path / 'eval.json')).scores
    assert {'mIoU', '0_mIoU', '1_mIoU', '1_IoU.road'} <= numbers.keys()


def test_pictures_and_predictions_of_every_set_have_a_folder(data, config_file, checkpoint,
                                                             tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = config_file(sections(data))
    test_command.main([config, checkpoint, '--eval', 'mIoU', '--show-dir', 'show', '--device',
                       'cpu'])
    test_command.main([config, checkpoint, '--format-only', '--device', 'cpu'])
    for folder, ending in (('show', '*.png'), ('format_results', '*.png')):
        assert [len(list((tmp_path / folder / str(i)).rglob(ending))) for i in (0, 1)] == COUNTS
    with pytest.raises(SystemExit):
        test_command.main([config, checkpoint, '--format-only', '--zip', 'x.zip', '--device',
                           'cpu'])


def test_the_test_split_of_every_set(data, config):
    cfg = config(sections(data, lambda data: [streets_val(data)] * 2))
    set_test_split(cfg)
    assert [one.img_dir for one in cfg.data.test] == ['leftImg8bit/test'] * 2
    with pytest.raises(ConfigError, match='--test-set replaces the name val'):
        set_test_split(config(sections(data)))  # the second has none
    folders = config(sections(data, listed))
    set_test_split(folders)
    assert folders.data.test.ann_dir == ['gtFine/test', 'gtFine/train']


def test_experiments_and_the_report_hold_every_set(data, config_file, tmp_path, capsys):
    path = config_file(sections(data, report=dict(images=4)))
    train_command.main([path, '--work-dir', str(tmp_path / 'run'), '--device', 'cpu'])
    result = json.loads((tmp_path / 'run/result.json').read_text())
    each = [result['scores'][f'{i}_mIoU'] for i in (0, 1)]
    assert result['mIoU'] == pytest.approx(sum(each) / 2, abs=0.011)
    assert (f'mIoU {result["mIoU"]:.2f} (of sets 0: {each[0]:.2f}, 1: {each[1]:.2f})'
            in capsys.readouterr().out)
    run = read_run(str(tmp_path / 'run'))
    assert [row[:2] for row in classes([run]).rows[-2:]] == [
        [f'mean of set {i}', f'{each[i]:.2f}'] for i in (0, 1)]
    trained = Checkpointed(run, CPU, images=4)
    assert len(trained.matrices()) == 4
    names = [info['filename'] for info in trained.dataset.img_infos]
    predicted = [one.name for one in trained.predictions([3, 0])]
    assert [names[3], names[0]] == [name.split('leftImg8bit/')[-1] for name in predicted]
    assert (tmp_path / 'run/report.html').exists()


def test_a_startup_test_scores_images_of_every_set(data, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = config(sections(data, source=None))
    assert [len(part) for part in limit_images(build_test_dataset(cfg), 2).datasets] == [2, 2]
    assert startup_test(cfg, CPU)['seconds'] > 0


def test_priors_of_a_target_of_several_sets(data, config):
    found = sections(data)
    target = dict(tiny_training.gta(data), crop_pseudo_margins=[1, 0, 0, 0])
    found['data']['train']['target'] = [target, target]
    images = target_images(config(found))
    assert len(images) == 12 and images[0]['img'][0].shape[-2:] == (32, 64)  # as tests prepare them


@pytest.mark.parametrize('change, message', [
    (dict(type='RepeatDataset', times=2), 'data.val: RepeatDataset cannot be scored: give the'),
    (dict(img_dir=['a', 'b'], ann_dir=['c']), 'got 2 of img_dir, 1 of ann_dir'),
    (dict(img_dir=['a', 'b'], ann_dir='c'), 'got 2 of img_dir, 1 of ann_dir'),
    (dict(separate_eval=False), 'data.val: separate_eval is for several sets')])
def test_what_cannot_be_scored_is_said_with_the_config(tmp_path, change, message):
    found = tiny_training.method_config(tmp_path)
    val = streets_val(tmp_path)
    found['data']['val'] = (dict(change, dataset=val) if 'times' in change else {**val, **change})
    with pytest.raises(ConfigError, match=message):
        validate(Config(found))


@pytest.mark.parametrize('value, message', [
    ([], 'data set is an empty list: give one data set'),
    (['x'], "data set.0 must be a data set, .* or a list of some, got 'x'"),
    (dict(type='ConcatDataset'), 'needs .*datasets'),
    (dict(type='ConcatDataset', datasets=[]), 'data set.datasets is an empty list')])
def test_what_is_no_list_of_sets(tmp_path, value, message):
    found = tiny_training.method_config(tmp_path)
    found['data']['test'] = value
    with pytest.raises(ConfigError, match='data.test.*' + message):
        validate(Config(found))
    with pytest.raises(ConfigError, match=message):
        build_scored(value)


@pytest.mark.parametrize('folders, message', [
    (['images/a', 'images/b'], None), (['images/a', 3], 'data.val.img_dir must be a text, got')])
def test_lists_of_folders_of_own_data(tmp_path, folders, message):
    found = tiny_training.method_config(tmp_path)
    found['data']['val'] = dict(
        type='FolderDataset', data_root=str(tmp_path), img_dir=folders, ann_dir=['a', 'b'],
        classes=[f'class {i}' for i in range(19)], separate_eval=False,
        pipeline=tiny_training.test_steps())
    if message is None:
        validate(Config(found))
        return
    with pytest.raises(ConfigError, match=message):
        validate(Config(found))


def test_sets_of_other_classes_or_kinds_are_refused(data):
    found = tiny_training.method_config(data)
    found['data']['val'] = concat(data, separate_eval=False)
    found['data']['val']['datasets'][1] = tiny_training.gta(data)
    with pytest.raises(ConfigError, match='separate_eval=False .* must be of one type'):
        build_test_dataset(Config(found), 'val')
    found['data']['val'] = two(data)
    found['data']['val'][1]['classes'] = ['road', 'car']
    with pytest.raises(ConfigError, match='is joined with .* but has other classes'):
        build_test_dataset(Config(found), 'val')


def test_a_list_of_one_is_that_set(data):
    found = sections(data, lambda data: [streets_val(data)])
    assert not isinstance(build_test_dataset(Config(found)), SeveralSets)
