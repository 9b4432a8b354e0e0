import shutil
from collections import namedtuple

import pytest
import tiny_training

from mmseg_ssr.doctor import machine
from mmseg_ssr.utils import installation

TOOL = 'doctor'


@pytest.fixture(autouse=True)
def room(monkeypatch):
    usage = namedtuple('usage', 'free')
    monkeypatch.setattr(machine.shutil, 'disk_usage', lambda folder: usage(10**12))


@pytest.fixture
def small(data, config_file):
    return config_file(tiny_training.method_config(data, 2))


@pytest.fixture
def checks():
    """The checks of the installation, as the command has them."""
    return installation


def test_the_installation_alone(tool, capsys):
    tool(TOOL).main([])
    output = capsys.readouterr().out
    assert 'torch ' in output and 'nothing is wrong' in output and 'images' not in output


def test_good_data(tool, small, capsys):
    tool(TOOL).main([small, small, '--nproc', '1'])
    output = capsys.readouterr().out
    assert output.count('data.train.source, GTADataset: 6 images, 6 labels') == 1
    assert 'data.train.target, CityscapesDataset: 4 images, 0 labels' in output
    assert 'data.val, CityscapesDataset: 3 images, 3 labels' in output
    assert 'data.test,' not in output  # the same files
    assert 'TO MEND' not in output and 'WARNINGS' in output and 'nothing is wrong' in output


def test_faults_are_numbered_in_order_with_exit_code_1(tool, data, config_file, tmp_path, capsys,
                                                       monkeypatch):
    shutil.copytree(data, tmp_path / 'data', copy_function=shutil.copy2)
    for path in (tmp_path / 'data/gta/images').glob('*.png'):
        path.write_bytes(b'no image')
    shutil.rmtree(tmp_path / 'data/cityscapes/leftImg8bit/val')
    config = config_file(tiny_training.method_config(tmp_path / 'data', 2))
    module = tool(TOOL)
    monkeypatch.setattr(module, 'SHOWN', 4)
    with pytest.raises(SystemExit) as end:
        module.main([config, '--nproc', '1'])
    output = capsys.readouterr().out
    assert end.value.code == 1
    folder, images = output.index('\n1. image folder is'), output.index('\n2. image cannot be')
    assert output.index('TO MEND') < folder < images < output.index('WARNINGS')
    assert 'image cannot be read (6)' in output and ': no image' in output
    assert output.count('gta/images/0000') == 4
    assert '... and 2 more: --all names them' in output
    assert output.splitlines()[-1].startswith('2 to mend in 7 places, ')


def test_a_quick_look(tool, small, capsys, monkeypatch):
    monkeypatch.setattr(tool(TOOL), 'QUICK', 2)
    tool(TOOL).main([small, '--nproc', '1', '--quick'])
    assert '6 images, 6 labels, 2 of them read' in capsys.readouterr().out


def test_missing_weights_come_before_missing_data(tool, config_file, tmp_path, capsys):
    sections = tiny_training.method_config(tmp_path / 'none', 2)
    sections['model']['pretrained'] = 'nowhere/mit_b5.pth'
    with pytest.raises(SystemExit):
        tool(TOOL).main([config_file(sections)])
    output = capsys.readouterr().out
    assert output.index('1. weights file is missing') < output.index('2. image folder is missing')
    assert f'{tmp_path}/none/gta/images: no such folder, data.train.source names it' in output
    assert 'put the data set there, it is published at https://' in output


def test_maps_that_a_training_would_stop_at(tool, data, config_file, tmp_path, capsys):
    sections = tiny_training.ssr_config(data)
    for domain in ('source', 'target'):
        sections['data']['train'][domain]['encoder_maps'] = str(tmp_path)
    with pytest.raises(SystemExit) as end:
        tool(TOOL).main([config_file(sections), '--nproc', '1', '--quick'])
    output = capsys.readouterr().out
    assert end.value.code == 1
    assert '1. maps cannot be used' in output and 'give each a folder of its own' in output


@pytest.mark.parametrize('arguments, message', [
    (['nowhere.py'], 'config file nowhere.py is missing'),
    (['CONFIG', '--cfg-options', 'uda.aplha=1'], "did you mean 'alpha'"),
    (['CONFIG', '--cfg-options', 'model.pretrained=https://x.org/a.pth'], 'would be downloaded')])
def test_a_wrong_config_ends_in_one_line(fails, small, arguments, message):
    assert message in fails(TOOL, *[small if word == 'CONFIG' else word for word in arguments])


def test_a_malformed_option_ends_in_one_line(tool, small, capsys):
    with pytest.raises(SystemExit) as end:
        tool(TOOL).main([small, '--cfg-options', 'x'])
    assert end.value.code == 2
    assert '--cfg-options: expected KEY=VALUE' in capsys.readouterr().err


# ---------------------------------------------------------------- a broken installation
def ends_with(tool, capsys, *lines):
    with pytest.raises(SystemExit) as end:
        tool(TOOL).main(['config.py'])
    output = capsys.readouterr().out
    assert end.value.code == 1
    for line in lines:
        assert line in output
    assert 'before anything else' in output and 'device' not in output


def test_missing_packages(tool, checks, monkeypatch, capsys):
    monkeypatch.setattr(checks, 'missing_here', lambda: ['timm', 'mmcv 1.x'])
    ends_with(tool, capsys, '1. package is missing (2)\n     timm: not in ',
              '\n     mmcv 1.x: not in', 'mend: make setup, then start with')


def test_another_python(tool, checks, monkeypatch, capsys):
    monkeypatch.setattr(checks, 'OLDEST', (4, 0))
    ends_with(tool, capsys, '1. this Python cannot be used', 'expected: Python 4.0 to 3.14')


def test_compiled_operators_of_another_torch(tool, checks, monkeypatch, capsys):
    def import_module(name):
        if name == 'mmcv.ops':
            raise ImportError('_ext.so: undefined symbol: _ZNK3c10')

    monkeypatch.setattr(checks, 'import_module', import_module)
    ends_with(tool, capsys, '1. package cannot be imported',
              'mmcv.ops: ImportError: _ext.so: undefined symbol')


def test_versions_out_of_range(tool, checks, monkeypatch, capsys):
    from mmseg_ssr.utils import versions
    monkeypatch.setitem(versions.SUPPORTED[0], 'torch', ('99.0', None))

    def import_module(name):
        if name == 'mmseg_ssr.engine':
            versions.check_versions()

    monkeypatch.setattr(checks, 'import_module', import_module)
    ends_with(tool, capsys, 'mmseg_ssr.engine: ImportError: mmseg_ssr needs torch>=99.0, found ')


@pytest.mark.parametrize('wanted, faults', [
    ('torch==1.2.3', 0), ('torch (==1.2.3)', 0), ('torch==1.2.4', 1), ('torch', 0),
    ('torchdata==7', 0)])
def test_torchvision_of_another_torch(checks, monkeypatch, wanted, faults):
    monkeypatch.setattr('importlib.metadata.requires', lambda name: ['numpy', wanted])
    monkeypatch.setattr(checks, 'version_of', lambda names, default: '1.2.3+cpu')
    found = checks.misfits()
    assert len(found) == faults
    assert all('make setup TORCH=torch==1.2.4' == one.mend for one in found)
