import shutil

import pytest
from mmcv import Config

from mmseg_ssr.report.runs import Run, read_runs
from mmseg_ssr.report.tables import classes, overview


def record(mode, iteration, **numbers):
    return dict(mode=mode, iter=iteration, **numbers)


HISTORY = [
    record('train', 2, loss=3., time=.5, **{'decode.loss_ce': 1., 'mix.decode.loss_ce': 2.}),
    record('val', 2, mIoU=.25, **{'IoU.road': .5, 'IoU.sky': 0.}),
    record('train', 4, loss=2., time=.5, **{'decode.loss_ce': .5, 'mix.decode.loss_ce': 1.5}),
    record('val', 4, mIoU=.2, **{'IoU.road': .375, 'IoU.sky': .025}),
]


def test_what_a_run_tells():
    run = Run('a', 'folder', HISTORY)
    assert run.curve('decode.loss_ce') == ([2, 4], [1., .5])
    assert run.curve('mIoU', 'val') == ([2, 4], [.25, .2])
    assert run.terms == ['decode.loss_ce', 'mix.decode.loss_ce', 'loss']
    assert run.miou == 20 and run.class_ious == {'road': 37.5, 'sky': 2.5}
    assert overview([run]).rows == [
        ['a', '-', '-', '4', '20.00', '25.00 at 2', '-', '-', 'folder']]


def test_the_test_after_the_training_comes_first():
    run = Run('a', 'folder', HISTORY, dict(mIoU=30., scores={'IoU.road': 60., 'mIoU': 30.}))
    assert run.miou == 30 and run.class_ious == {'road': 60.}


@pytest.mark.parametrize('config, method', [
    (dict(model=dict(type='EncoderDecoder')), 'supervised'),
    (dict(model=dict(type='EncoderDecoder'), uda=dict(type='DACS')), 'DACS'),
    (dict(uda=dict(type='DACS', source_only=True)), 'source-only'),
    (dict(model=dict(type='SSR', model=dict(type='EncoderDecoder'))), 'SSR'),  # of stock mmseg
    (dict(model=dict(type='SSR', mask_mode='separatetrg', model=dict())), 'SSR + MIC'),
])
def test_the_method(config, method):
    assert Run('a', 'a', config=Config(config)).method == method


def test_changes_of_the_classes():
    one, other = Run('a', 'a', HISTORY), Run('b', 'b', HISTORY[:2])
    table = classes([one, other])
    assert table.headings == ['class', 'a: IoU', 'since iteration 2', 'b: IoU', 'against a']
    assert table.rows == [
        ['road', '37.50', '-12.50', '50.00', '+12.50'],
        ['sky', '2.50', '+2.50', '0.00', '-2.50'],
        ['mean', '20.00', '-5.00', '25.00', '+5.00']]
    assert classes([Run('c', 'c')]) is None


def test_a_tracker_that_is_not_installed_here_does_not_matter(copied):
    (copied / 'config.py').write_text((copied / 'config.py').read_text() + "\ntracker = 'wandb'\n")
    assert 'tracker' not in read_runs([str(copied)])[0].config


def test_runs_of_one_name_are_told_apart(runs, tmp_path):
    folders = [tmp_path / 'a' / 'ssr_s0', tmp_path / 'a' / 'ssr_s1', tmp_path / 'b' / 'ssr_s1']
    for folder in folders:
        shutil.copytree(runs.ssr, folder)
    first, second, other = map(str, folders)
    assert [run.name for run in read_runs([first, first])] == ['ssr']
    assert [run.name for run in read_runs([first, second])] == ['ssr_s0', 'ssr_s1']
    assert [run.name for run in read_runs([first, second, other])] == [first, second, other]
