"""``mmseg-ssr convert`` and its scripts."""
import runpy
from pathlib import Path

import pytest

from mmseg_ssr.commands import convert

TOOLS = Path(__file__).parents[2] / 'tools' / 'convert_datasets'


def run_gta(*arguments):
    convert.main(['gta', *map(str, arguments)])


def test_reports_what_was_done(gta_raw, capsys):
    run_gta(gta_raw, '--nproc', 1)
    output = capsys.readouterr().out
    assert f'{gta_raw}: 6 labels converted, 0 were up to date' in output
    assert 'note: 6 labels in all, the published data set has 24966' in output


def test_damaged_labels_are_listed_with_exit_code_1(gta_raw, capsys):
    (gta_raw / 'labels' / '00003.png').write_bytes(b'no image')
    with pytest.raises(SystemExit) as caught:
        run_gta(gta_raw)
    assert caught.value.code == 1
    error = capsys.readouterr().err
    assert 'error: 1 labels could not be converted' in error and '00003.png' in error


def test_wrong_folder_and_wrong_number_exit_with_2(gta_raw, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        run_gta(tmp_path / 'nowhere')
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith('error: ')
    for arguments, message in [((gta_raw, '--nproc', 0), '--nproc: must be an integer of 1 to'),
                               (('', ), 'argument data: expected a folder')]:
        with pytest.raises(SystemExit) as caught:
            run_gta(*arguments)
        assert caught.value.code == 2 and message in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(capsys, monkeypatch):
    def stopped(root):
        raise KeyboardInterrupt

    labels = convert.DATA_SETS['gta'].labels._replace(find=stopped)
    monkeypatch.setitem(convert.DATA_SETS, 'gta', convert.DATA_SETS['gta']._replace(labels=labels))
    with pytest.raises(SystemExit) as caught:
        run_gta()
    assert caught.value.code == 130
    assert 'goes on where it was' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['gta', 'cityscapes'])
def test_scripts_run(name, request, monkeypatch, capsys):
    root = request.getfixturevalue(f'{name}_raw')
    monkeypatch.setattr('sys.argv', [f'{name}.py', str(root), '--nproc', '2'])
    runpy.run_path(str(TOOLS / f'{name}.py'), run_name='__main__')
    assert 'labels converted' in capsys.readouterr().out
    assert (root / 'sample_class_stats.json').is_file()


@pytest.mark.parametrize('name, labels', [('synscapes', 2), ('mapillary', 3), ('wilddash', 2)])
def test_further_sets_are_converted_in_place(name, labels, layouts, monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', [f'{name}.py', str(layouts / name), '--nproc', '1'])
    runpy.run_path(str(TOOLS / f'{name}.py'), run_name='__main__')
    assert f'0 labels converted, {labels} were up to date' in capsys.readouterr().out
