import cv2
import pytest

TOOL = 'tools/demo.py'


@pytest.mark.slow
def test_the_whole_way_and_a_second_time(tool, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(tool(TOOL), 'VAL_IMAGES', 4)
    monkeypatch.chdir(tmp_path)
    arguments = ['--root', str(tmp_path), '--iterations', '2', '--images', '6', '--nproc', '1']
    folder = tmp_path / 'work_dirs' / 'demo_6images_2iterations'
    tool(TOOL).main(arguments)
    output = capfd.readouterr().out
    assert 'source-only' in output and 'DAFormer + SSR' in output
    table = output[output.index('IoU in percent'):].splitlines()
    assert sum(line.startswith(('road ', 'bicycle ', 'mean ')) for line in table) == 3
    assert 'a SAM of a million parameters' in output and 'peak memory' in output
    for name in ('source_only_s0', 'daformer_ssr_s0'):
        assert (folder / name / 'iter_2.pth').exists()
    picture = cv2.imread(str(folder / 'compare.png'))
    assert picture.shape[1] == 4 * 384 + 3 * 4

    tool(TOOL).main(arguments)
    assert capfd.readouterr().out.count('is finished') == 2


def test_the_table_has_a_column_for_each_training(tool):
    results = {name: dict(scores={'mIoU': value, 'IoU.road': value, 'aAcc': 1.0})
               for name, value in (('source_only', 20.0), ('daformer_ssr', 31.5))}
    assert tool(TOOL).table(results).splitlines() == [
        'class               source-only  DAFormer + SSR',
        'road                       20.0            31.5',
        'mean                       20.0            31.5']


def test_a_step_that_fails_ends_the_demo_in_one_line(tool, tmp_path, fails, monkeypatch):
    monkeypatch.setattr(tool(TOOL), 'VAL_IMAGES', 2)
    monkeypatch.setattr(tool(TOOL), 'convert', lambda: tool(TOOL).command(['nowhere']))
    monkeypatch.chdir(tmp_path)
    assert 'mmseg-ssr nowhere did not finish' in fails(
        TOOL, '--root', tmp_path, '--images', '2', '--nproc', '1')


def test_only_the_whole_demo_shares_its_folder_with_the_experiment(tool):
    demo = tool(TOOL)
    assert str(demo.results_folder(demo.parse_args([]))) == 'work_dirs/demo'
    short = demo.parse_args(['--iterations', '3'])
    assert str(demo.results_folder(short)) == 'work_dirs/demo_3iterations'
