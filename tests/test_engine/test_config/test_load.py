import argparse

import pytest

from mmseg_ssr.engine.config import load_config
from mmseg_ssr.engine.config.load import Options
from mmseg_ssr.errors import ConfigError, MissingFile, UserError


@pytest.fixture
def write(tmp_path):
    def write(text, name='config.py'):
        path = tmp_path / name
        path.write_text(text)
        return str(path)
    return write


def test_options_are_merged(write):
    cfg = load_config(write("uda = dict(alpha=0.9)\n"), {'uda.alpha': 0.99, 'seed': 5})
    assert cfg.uda.alpha == 0.99 and cfg.seed == 5


def test_missing_file_names_the_nearest(write, tmp_path):
    write('', 'daformer.py')
    with pytest.raises(MissingFile, match=r"dafomer.py is missing, did you mean '.*daformer.py'"):
        load_config(str(tmp_path / 'dafomer.py'))


def test_an_empty_name_is_said():
    with pytest.raises(MissingFile, match='no config file is given: its argument is empty'):
        load_config('')


@pytest.mark.parametrize('text, message', [
    ('model = dict(', 'config.py: '),
    ('model = undefined', "NameError: name 'undefined'"),
    ("_base_ = ['nowhere.py']", 'nowhere.py'),
    ("custom_imports = dict(imports=['no_such_package'])", 'no_such_package'),
])
def test_a_file_that_cannot_be_read_says_why_in_one_line(write, text, message):
    with pytest.raises(UserError, match=message) as error:
        load_config(write(text))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('texts, loop', [
    (dict(config='config.py'), 'config.py -> .*config.py'),
    (dict(config='b.py', b='config.py'), 'config.py -> .*b.py -> .*config.py'),
    (dict(config='b.py', b='c.py', c='./b.py'), 'b.py -> .*c.py -> .*b.py'),
])
def test_a_circle_of_bases_is_named(write, tmp_path, texts, loop):
    for name, base in texts.items():
        write(f"_base_ = ['{base}']\n", f'{name}.py')
    with pytest.raises(ConfigError, match=f'_base_ leads a config back to itself .*{loop}'):
        load_config(str(tmp_path / 'config.py'))


def test_two_bases_may_share_a_third(write):
    for name in 'ab':
        write(f"_base_ = ['c.py']\n{name} = 1\n", f'{name}.py')
    write('', 'c.py')
    assert load_config(write("_base_ = ['a.py', 'b.py']\n")).b == 1


def test_what_is_no_file_or_refused_is_named_as_such(write, tmp_path, monkeypatch):
    import os
    os.mkfifo(tmp_path / 'pipe.py')
    (tmp_path / 'folder.py').mkdir()
    for name, kind in (('pipe.py', 'a named pipe'), ('folder.py', 'a folder'),
                       ('gone.py', 'missing')):
        with pytest.raises(UserError, match=f'config file .*{name} is {kind}.*in the _base_ of '
                                            '.*config.py'):
            load_config(write(f"_base_ = ['{name}']\n"))
    path = write('seed = 3\n')

    def refused(*args, **options):
        raise PermissionError(13, 'Permission denied', path)

    monkeypatch.setattr('mmcv.Config._validate_py_syntax', refused)
    with pytest.raises(UserError, match='config file .* cannot be read .Permission denied.: give '
                                        'yourself the permission'):
        load_config(path)


def test_options_may_be_used_again(write):
    config = write("runner = dict(type='IterBasedRunner', max_iters=4)")
    options = {'runner': dict(_delete_=True, type='SelfTrainingRunner')}
    for _ in range(2):
        assert load_config(config, options).runner == dict(type='SelfTrainingRunner')


def test_options_that_do_not_fit(write):
    with pytest.raises(ConfigError, match='--cfg-options do not fit'):
        load_config(write('workflow = [1, 2]\n'), {'workflow.7': 1})


def test_merge_marks_disappear_and_scales_read_from_json_are_pairs(write):
    path = write('{"uda": {"mask_generator": {"type": "block", "_delete_": true}}, '
                 '"pipeline": [{"type": "Resize", "img_scale": [1024, 512]}]}', 'config.json')
    cfg = load_config(path)
    assert '_delete_' not in cfg.uda.mask_generator
    assert cfg.pipeline[0].img_scale == (1024, 512)


def test_names_before_publication(write):
    cfg = load_config(write(
        "model = dict(type='MultiResEncoderDecoder', backbone=dict(ema_drop_path_rate=0.1), "
        "decode_head=dict(type='UniHead', decoder_params=dict(fusion_cfg=dict(type='aspp', "
        "fusion='x'))))"))
    assert cfg.model.type == 'HRDAEncoderDecoder' and cfg.model.backbone == {}
    assert cfg.model.decode_head.type == 'DAFormerHead'
    assert cfg.model.decode_head.decoder_params.fusion_cfg == dict(type='aspp')


@pytest.mark.parametrize('name', ["John's data", 'a "b"', 'back\\slash', 'curly {{ x }}', 'ß'])
@pytest.mark.parametrize('ending', ['.py', '.json'])
def test_the_folder_of_a_config_may_have_any_name(tmp_path, name, ending):
    folder = tmp_path / name
    folder.mkdir()
    texts = {'.py': "name = '{{ fileDirname }}/{{fileBasename}}'\n",
             '.json': '{"name": "{{ fileDirname }}/{{fileBasename}}"}'}
    (folder / f'c{ending}').write_text(texts[ending])
    assert load_config(str(folder / f'c{ending}')).name == str(folder / f'c{ending}')


@pytest.mark.parametrize('text,value', [
    ('my photos/day 1', 'my photos/day 1'), (' 5 ', 5), ('"a b"', 'a b'), ('[1, 2]', [1, 2]),
    ('a, b', ['a', 'b']), ('(0.5, x)', (0.5, 'x')), ('None', None)])
def test_blanks_inside_of_a_text_are_kept_on_the_command_line(text, value):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=Options)
    assert parser.parse_args(['--cfg-options', f'a.b={text}']).cfg_options == {'a.b': value}
