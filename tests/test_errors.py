import os
import pickle
import subprocess
import sys

import pytest

from mmseg_ssr.errors import (
    ConfigError,
    DataError,
    Interrupted,
    Problems,
    UserError,
    cli,
    explained,
    is_wrong_value,
    nearest,
    one_line,
    said,
    unwritable,
)


def test_nearest_names_the_closest_valid_one():
    assert nearest('aplha', ['alpha', 'blur']) == ", did you mean 'alpha'?"
    assert nearest('zzz', ['alpha', 'blur']) == ''


def test_the_message_of_a_loader_worker_is_its_last_line():
    wrapped = DataError('Caught DataError in DataLoader worker process 0.\nOriginal Traceback:\n'
                        '  File "x.py"\nmmseg_ssr.errors.DataError: 1.png is damaged\n')
    assert one_line(wrapped) == '1.png is damaged'
    assert one_line(ConfigError('two\nlines')) == 'two lines'
    assert one_line(ConfigError()) == 'ConfigError'


def test_a_command_ends_with_one_line_and_exit_code_2(capsys):
    @cli
    def command():
        raise ConfigError('uda.alpha must be in [0, 1), got 2')

    with pytest.raises(SystemExit) as stop:
        command()
    assert stop.value.code == 2
    assert capsys.readouterr().err == 'error: uda.alpha must be in [0, 1), got 2\n'


def test_a_line_keeps_its_ends_however_long_the_name_in_it(capsys):
    @cli
    def command():
        raise DataError(f'split.txt names {"x" * 5000}: take it out')

    with pytest.raises(SystemExit):
        command()
    line = capsys.readouterr().err.strip()
    assert line.startswith('error: split.txt names xxx') and line.endswith('xxx: take it out')
    assert len(line) == len('error: ') + 600 and 'x ... x' in line


def test_what_a_library_says_leaves_room_for_where():
    assert said(ValueError('short')) == 'short'
    assert len(said(ValueError('x' * 5000))) == 303


def test_what_the_system_says_about_a_path_is_one_line(tmp_path, capsys):
    @cli
    def command(path):
        path.write_text('')

    with pytest.raises(SystemExit) as stop:
        command(tmp_path / 'missing' / 'x')
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        f'error: {tmp_path / "missing" / "x"}: No such file or directory\n')


def test_other_errors_are_not_hidden():
    @cli
    def command():
        raise RuntimeError('a bug')

    with pytest.raises(RuntimeError, match='a bug'):
        command()
    assert not issubclass(RuntimeError, UserError)


@pytest.mark.parametrize('error, line', [
    (OSError(28, 'No space left on device'), 'the output of the command, cannot be written (No '
     'space left on device): make room there and call again, or choose another folder'),
    (OSError(28, 'No space left on device', 'out/x'), 'out/x cannot be written (No space left on '
     'device): make room there and call again, or choose another folder'),
    (BrokenPipeError(32, 'Broken pipe'), 'the program that reads it has ended'),
    (OSError(24, 'Too many open files'), 'what the command asks for (Too many open files)'),
    (OSError('no number'), 'what the command asks for (no number)'),
    (PermissionError(13, 'Permission denied', 'x'), 'x: Permission denied: give yourself the'),
])
def test_every_error_of_the_system_is_one_line(capsys, error, line):
    @cli
    def command():
        raise error

    with pytest.raises(SystemExit) as stop:
        command()
    assert stop.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith('error: ') and text.count('\n') == 1 and line in text


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no /dev/full')
def test_an_output_that_takes_no_more_is_one_line():
    """Python itself would end with a traceback when it cannot write at its exit."""
    code = ('from mmseg_ssr.errors import cli\n'
            "cli(lambda: print('x'))()")
    with open('/dev/full', 'w') as full:
        done = subprocess.run([sys.executable, '-c', code], stdout=full, stderr=subprocess.PIPE,
                              text=True)
    assert done.returncode == 2 and done.stderr.count('\n') == 1
    assert 'No space left on device' in done.stderr


@pytest.mark.parametrize('error, remedy', [
    (OSError(28, 'No space left on device'), 'make room'),
    (PermissionError(13, 'Permission denied'), 'give yourself the permission'),
    (OSError(30, 'Read-only file system'), 'give yourself the permission'),
    (FileNotFoundError(2, 'No such file or directory'), 'whose folder exists'),
    (OSError(36, 'File name too long'), 'choose another path'),
])
def test_what_cannot_be_written_is_told_with_what_mends_it(error, remedy):
    told = unwritable('out/x', error)
    assert isinstance(told, UserError) and isinstance(told, OSError)
    assert str(told).startswith(f'out/x cannot be written ({error.strerror}): ')
    assert remedy in str(told)


@pytest.mark.parametrize('error, code', [
    (Interrupted(15, 'stopped by SIGTERM; to go on: python x.py'), 143),
    (KeyboardInterrupt(), 130),
])
def test_a_signal_ends_a_command_with_one_line(capsys, error, code):
    @cli
    def command():
        raise error

    with pytest.raises(SystemExit) as stop:
        command()
    assert stop.value.code == code
    text = capsys.readouterr().err
    assert text.startswith('stopped by SIG') and text.count('\n') == 1


def test_every_problem_of_a_config_is_a_line(capsys):
    error = ConfigError('unknown key uda.aplha', 'seed must be at least 0,\ngot -1')
    assert error.problems == ('unknown key uda.aplha', 'seed must be at least 0, got -1')
    assert error.reworded('x.py: {}'.format).problems[1] == 'x.py: seed must be at least 0, got -1'
    assert pickle.loads(pickle.dumps(error)).problems == error.problems

    @cli
    def command():
        raise error

    with pytest.raises(SystemExit):
        command()
    assert capsys.readouterr().err == (
        'error: unknown key uda.aplha\nerror: seed must be at least 0, got -1\n')


def test_problems_are_collected_once_each():
    problems = Problems()
    problems.report()
    for lines in (['a', 'b'], ['b'], ['c']):
        with problems.collected():
            raise ConfigError(*lines)
    with pytest.raises(ConfigError) as error:
        problems.report()
    assert error.value.problems == ('a', 'b', 'c')
    with pytest.raises(DataError), problems.collected():
        raise DataError('of an image')


def test_an_error_that_means_something_to_the_user_is_the_cause():
    def meaning(error):
        return ConfigError(f'wrong: {said(error)}') if is_wrong_value(error) else None

    with pytest.raises(ConfigError, match='^wrong: odd$') as error, explained(meaning):
        raise ValueError('odd')
    assert isinstance(error.value.__cause__, ValueError)
    for own in (DataError('of an image'), StopIteration(), Interrupted(15, 'stopped')):
        with pytest.raises(type(own)) as error, explained(meaning):
            raise own
        assert error.value is own
