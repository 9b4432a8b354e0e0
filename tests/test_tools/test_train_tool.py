import pytest
import tiny_training

from mmseg_ssr.engine.checkpoint.files import read_checkpoint

TOOL = 'scripts.train'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small(data, config_file):
    return config_file(tiny_training.method_config(data, 2, source_only=True), 'small.py')


def test_it_trains_into_a_folder_of_the_configs_name(tool, small, capsys):
    tool(TOOL).main([small, '--no-validate', '--seed', '5'])
    assert 'checkpoint work_dirs/small/iter_2.pth' in capsys.readouterr().out
    assert read_checkpoint('work_dirs/small/latest.pth')['meta']['seed'] == 5


def test_it_goes_on(tool, small):
    tool(TOOL).main([small, '--work-dir', 'w', '--no-validate'])
    tool(TOOL).main([small, '--work-dir', 'w', '--auto-resume', '--no-validate'])
    tool(TOOL).main([small, '--work-dir', 'w', '--resume-from', 'w/iter_2.pth', '--no-validate',
                     '--cfg-options', 'runner.max_iters=3'])
    assert read_checkpoint('w/latest.pth')['meta']['iter'] == 3


def test_a_wrong_argument(fails, small):
    assert "did you mean 'alpha'" in fails(TOOL, small, '--cfg-options', 'uda.alhpa=1')
