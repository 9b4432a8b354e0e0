"""The command that downloads weights. The server is on this machine."""
import hashlib
import os
import signal
from dataclasses import replace

import pytest
import tiny_training
from file_server import FileServer

from mmseg_ssr.weights import FILES

TOOL = 'tools/weights.py'
CONTENT = b'weights' * 100
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Gives the content for every name."""
    monkeypatch.setenv('no_proxy', '*')
    monkeypatch.chdir(tmp_path)
    server = FileServer(CONTENT)
    for name, one in FILES.items():
        monkeypatch.setitem(FILES, name, replace(
            one, url=f'{server.root}/{one.published_name}', sha256=None, size=None))
    yield server
    server.close()


@pytest.fixture
def run(tool, capsys):
    def run(*arguments):
        tool(TOOL).main([str(argument) for argument in arguments])
        return capsys.readouterr().out

    return run


def test_the_list(run):
    lines = run('--list').splitlines()
    assert len(lines) == 1 + len(FILES)
    for line, one in zip(lines[1:], FILES.values()):
        assert line.split()[:2] == [one.name, one.file]
        assert one.url in line and one.license in line


def test_names_go_to_the_folder_of_the_configs(server, run, tmp_path):
    output = run('mit_b5', 'sam_vit_b')
    assert (tmp_path / 'pretrained/mit_b5.pth').read_bytes() == CONTENT
    assert (tmp_path / 'pretrained/sam_vit_b_01ec64.pth').read_bytes() == CONTENT
    assert output.splitlines()[0] == (
        f'pretrained/mit_b5.pth: downloaded from {FILES["mit_b5"].url}, sha256 {SUM}, no published '
        'sum to compare with')
    assert run('mit_b5').startswith(f'pretrained/mit_b5.pth: is there, sha256 {SUM}')
    assert len(server.asked) == 2


def test_a_sum_that_is_known_counts(server, run, monkeypatch, fails):
    monkeypatch.setitem(FILES, 'mit_b0', replace(FILES['mit_b0'], sha256=SUM[:8]))
    monkeypatch.setitem(FILES, 'mit_b1', replace(FILES['mit_b1'], sha256='0' * 8))
    for state in ('downloaded from', 'is there'):
        output = run('mit_b0')
        assert state in output and output.endswith(f'sha256 {SUM}, as published\n')
    assert 'not 00000000: it was not kept' in fails(TOOL, 'mit_b1')
    assert sorted(os.listdir('pretrained')) == ['mit_b0.pth', 'mit_b0.pth.sha256']


def test_the_name_of_a_file_is_kept_and_a_folder_may_be_given(server, run):
    run('mit_b5_20220624-658746d9.pth', '--dir', 'a/b')
    assert sorted(os.listdir('a/b')) == ['mit_b5_20220624-658746d9.pth',
                                         'mit_b5_20220624-658746d9.pth.sha256']


def config_with(data, config_file, **model):
    sections = tiny_training.method_config(
        data, 2, type='SSR', sam_model_registry='vit_b',
        sam_checkpoint='elsewhere/sam_vit_b_01ec64.pth')
    sections['model'].update(model)
    return config_file(sections)


def test_what_a_config_names_goes_where_it_names_it(server, run, data, config_file):
    config = config_with(data, config_file, pretrained='own/mit_b0.pth')
    run('--for', config, config)
    assert os.listdir('own') and sorted(os.listdir('elsewhere')) == [
        'sam_vit_b_01ec64.pth', 'sam_vit_b_01ec64.pth.sha256']
    assert len(server.asked) == 2
    run('--for', config, '--for', config, '--cfg-options', 'model.pretrained=own/mit_b1.pth')
    assert 'mit_b1.pth' in os.listdir('own') and len(server.asked) == 3


def test_a_file_without_an_address_is_told_at_the_end(server, fails, data, config_file):
    config = config_with(data, config_file, pretrained='own/trained.pth')
    error = fails(TOOL, '--for', config)
    assert 'no address is known for own/trained.pth (model.pretrained in ' in error
    assert 'sam_vit_b_01ec64.pth' in os.listdir('elsewhere')


def test_a_config_that_needs_none(server, run, data, config_file):
    config = config_file(tiny_training.method_config(data, 2))
    assert run('--for', config) == 'the configs need no published weights\n'


@pytest.mark.parametrize('arguments, message', [
    (['sam_vit'], "no published weights are called 'sam_vit', did you mean 'sam_vit_"),
    (['--for', 'nowhere.py'], 'config file nowhere.py is missing')])
def test_a_wrong_name_ends_in_one_line(fails, arguments, message):
    assert message in fails(TOOL, *arguments)


@pytest.mark.parametrize('arguments', [[], ['--for', 'x.py', '--dir', 'y']])
def test_arguments_that_do_nothing_are_refused(tool, arguments):
    with pytest.raises(SystemExit) as end:
        tool(TOOL).main(arguments)
    assert end.value.code == 2


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_has_come(server, run, tool, capsys, number):
    server.breaks_after = 300
    server.after_body = lambda: (wait_for('pretrained/mit_b5.pth.part', 300),
                                 os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as end:
        tool(TOOL).main(['mit_b5'])
    assert end.value.code == 128 + number
    assert capsys.readouterr().err == f'stopped by {number.name}; the same command goes on\n'
    server.breaks_after, server.after_body = None, lambda: None
    run('mit_b5')
    assert server.asked == [None, 'bytes=300-'] and 'mit_b5.pth' in os.listdir('pretrained')


def wait_for(path, size):
    while not os.path.exists(path) or os.path.getsize(path) < size:
        pass
