import shutil

import pytest
import tiny_training

TOOL = 'tools/check_data.py'


@pytest.fixture
def small(data, config_file):
    return config_file(tiny_training.method_config(data, 2))


def test_good_data(tool, small, capsys):
    tool(TOOL).main([small, '--nproc', '1'])
    output = capsys.readouterr().out
    assert 'data.train.source, GTADataset: 6 images, 6 labels' in output
    assert 'data.train.target, CityscapesDataset: 4 images, 0 labels' in output
    assert 'data.val, CityscapesDataset: 3 images, 3 labels' in output
    assert 'data.test,' not in output  # the same files
    assert 'note: ' in output and output.endswith('no problems\n')


def test_problems_are_listed_with_exit_code_1(tool, data, config_file, tmp_path, capsys,
                                              monkeypatch):
    shutil.copytree(data, tmp_path / 'data')
    for path in (tmp_path / 'data/gta/images').glob('*.png'):
        path.write_bytes(b'no image')
    config = config_file(tiny_training.method_config(tmp_path / 'data', 2))
    module = tool(TOOL)
    monkeypatch.setattr(module, 'SHOWN', 4)
    with pytest.raises(SystemExit) as end:
        module.main([config, '--nproc', '1'])
    output = capsys.readouterr().out
    assert end.value.code == 1 and output.endswith('6 problems\n')
    assert output.count('problem: image ') == 4 and '2 more problems: --all shows' in output


def test_a_malformed_option_ends_in_one_line(tool, small, capsys):
    with pytest.raises(SystemExit) as end:
        tool(TOOL).main([small, '--cfg-options', 'x'])
    assert end.value.code == 2
    assert '--cfg-options: expected KEY=VALUE' in capsys.readouterr().err


def test_absent_data_ends_in_one_line(fails, config_file, tmp_path):
    config = config_file(tiny_training.method_config(tmp_path / 'none', 2))
    assert 'image folder' in fails(TOOL, config)
