"""The stand-in for mmcv's compiled module, in processes that find no compiled one."""
import subprocess
import sys

from tiny_training import ROOT

from mmseg_ssr.utils import compiled_operators

STARTUP = (ROOT / 'mmseg_ssr/utils/mmseg_ssr.pth').read_text()
#: mmcv as without its compiled part, whichever is installed here; a line as Python starts with it.
PURE = f'''
import sys
from importlib.machinery import PathFinder

class Pure(PathFinder):
    """Finds everything but the compiled part."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == 'mmcv._ext' else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Pure
{STARTUP}
'''


USE = '''
import mmseg.models, mmcv.ops, torch
from mmcv.cnn import build_conv_layer, build_upsample_layer
from mmcv.runner import build_optimizer
from mmcv.utils import collect_env

print(collect_env()['MMCV Compiler'])
# looks for deformable convolutions among the modules
build_optimizer(torch.nn.Conv2d(3, 3, 3), dict(
    type='SGD', lr=1., weight_decay=0.1, paramwise_cfg=dict(norm_decay_mult=0.)))
for build in (lambda: build_conv_layer(dict(type='DCNv2'), 3, 3, 3),
              lambda: build_upsample_layer(dict(type='carafe', channels=3, scale_factor=2))):
    try:
        build()(torch.randn(1, 3, 8, 8))
    except NotImplementedError as error:
        print(error)
'''


def test_mmseg_can_be_imported_first_and_operators_are_named_when_they_are_called():
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', PURE + USE], cwd=ROOT, text=True,
                          capture_output=True)
    assert not done.returncode, done.stderr
    about, convolution, upsampling = done.stdout.splitlines()
    assert about == 'mmcv without compiled operators'
    assert "'modulated_deform_conv_forward'" in convolution and "'carafe_forward'" in upsampling
    assert 'make setup MMCV=full' in convolution


def test_it_is_the_last_to_be_asked(monkeypatch):
    monkeypatch.setattr(sys, 'meta_path', [*sys.meta_path])
    sys.meta_path[:] = [one for one in sys.meta_path if one is not compiled_operators.Finder]
    compiled_operators.install()
    compiled_operators.install()
    assert sys.meta_path.count(compiled_operators.Finder) == 1
    assert sys.meta_path[-1] is compiled_operators.Finder
    assert compiled_operators.Finder.find_spec('mmcv.ops') is None
