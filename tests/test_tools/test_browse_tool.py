"""tools/browse.py: the pictures and the table, and that nothing else is touched."""
import shutil

import cv2
import pytest
import tiny_training

TOOL = 'browse'


def snapshot(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob('*')}


def test_everything_is_written_to_the_folder_alone(tool, data, config_file, tmp_path, monkeypatch,
                                                   capsys):
    monkeypatch.chdir(tmp_path)
    here = shutil.copytree(data, tmp_path / 'data')
    for statistics in here.rglob('*.json'):
        statistics.unlink()
    path = config_file(tiny_training.ssr_config(here))
    before = snapshot(tmp_path)
    tool(TOOL).main([path, '--out', 'out', '--iterations', '2', '--draws', '50', '--device', 'cpu'])
    after = snapshot(tmp_path)
    written = {'class_statistics.png', 'rare_class_sampling.png', 'iter_1.png', 'iter_2.png'}
    assert {path.name for path in set(after) - set(before)} == {'out', *written}
    assert all(after[path] == time for path, time in before.items() if path != tmp_path)
    for name in written:
        assert cv2.imread(f'out/{name}').std() > 5
    # source 2 columns, target, mix and masked 3 each
    assert cv2.imread('out/iter_1.png').shape[1] == 11 * 256 + 10 * 4
    said = capsys.readouterr().out
    assert said.startswith('config: seed 3\n') and 'first 50 samples are of' in said
    rows = [line.split() for line in said.splitlines() if line.startswith('road')]
    assert len(rows) == 1 and len(rows[0]) == 7


def test_a_source_only_config_with_the_default_folder(tool, data, config_file, tmp_path,
                                                      monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = config_file(dict(tiny_training.supervised_config(data), name='plain'))
    tool(TOOL).main([path, '--iterations', '1', '--seed', '8', '--device', 'cpu'])
    assert cv2.imread('browse/plain/iter_1.png').shape[1] == 2 * 256 + 4
    assert 'plain: seed 8' in capsys.readouterr().out


@pytest.mark.parametrize('arguments, message', [
    (['--iterations', '-1'], '--iterations must be in 0..4 (runner.max_iters), got -1'),
    (['--iterations', '5'], '--iterations must be in 0..4'),
    (['--draws', '0'], '--draws must be in 1..1000000, got 0'),
    (['--out', '/dev/null/x'], '/dev/null/x'),
    (['--seed', '-1'], 'seed must be an integer in'),
    (['--checkpoint', 'gone.pth'], '--checkpoint gone.pth is missing'),
    (['--weights', 'teacher'], 'is of a checkpoint: give --checkpoint'),
    (['--cfg-options', 'data.train.source.img_dir=nowhere'], 'nowhere'),
])
def test_wrong_arguments(fails, data, config_file, tmp_path, arguments, message):
    path = config_file(tiny_training.method_config(data))
    assert message in fails(TOOL, path, '--out', tmp_path / 'out', '--device', 'cpu', '--draws', 10,
                            *arguments)
