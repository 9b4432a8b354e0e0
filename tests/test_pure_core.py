"""The pure core: uda and regularizer, with a segmentor that is no mmseg class."""
import subprocess
import sys

import pytest
from tiny_training import ROOT

#: Nothing of OpenMMLab can be found, in the process that runs this first.
WITHOUT_OPENMMLAB = '''
import sys

class Refuse:
    """Finds nothing of OpenMMLab."""

    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('mmcv', 'mmseg', 'mmengine'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)

sys.meta_path.insert(0, Refuse())
'''

STEP = '''
import torch
from torch import nn
from mmseg_ssr.uda import Batch, build_self_training

class Toy(nn.Module):
    """Two stages and a head of one convolution."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.ModuleList([nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 16, 2, 2)])
        self.decode_head = Head()

    def extract_feat(self, img):
        first = self.backbone[0](img)
        return [first, self.backbone[1](first.relu())]

class Head(nn.Module):
    num_classes, ignore_index, align_corners = 5, 255, False

    def __init__(self):
        super().__init__()
        self.classify = nn.Conv2d(16, 5, 1)

    def forward(self, features):
        return self.classify(features[-1])

    def loss_decode(self, logits, label, weight, ignore_index):
        loss = nn.functional.cross_entropy(logits, label, reduction='none',
                                           ignore_index=ignore_index)
        return (loss if weight is None else loss * weight).mean()

torch.manual_seed(0)
toy = Toy()
sam = dict(checkpoint=None, input_size=32, encoder_args=dict(
    embed_dim=12, depth=2, num_heads=2, window_size=2, global_attn_indexes=[1], out_chans=16))
method = build_self_training(
    toy, alpha=0.9, regularizer=dict(encoder=sam), stop_stage=[0, 1], mask_mode='separatetrg',
    mask_generator=dict(type='block', mask_ratio=0.5, mask_block_size=8))
method.train()
mean, std = torch.full((1, 3, 1, 1), 120.), torch.full((1, 3, 1, 1), 60.)
batch = Batch(torch.randn(2, 3, 32, 32), torch.randint(0, 5, (2, 1, 32, 32)), mean, std,
              torch.randn(2, 3, 32, 32))
before = toy.decode_head.classify.weight.detach().clone()
optimizer = torch.optim.SGD(method.parameters(), lr=0.1)
log = method.step(batch, optimizer)
print(*sorted(name for name in log if 'loss' in name))
assert not torch.equal(before, toy.decode_head.classify.weight)
assert list(method.state_dict()) == list(toy.state_dict())
'''


def run(code):
    return subprocess.run([sys.executable, '-c', WITHOUT_OPENMMLAB + code], cwd=ROOT, text=True,
                          capture_output=True)


def test_a_step_of_ssr_and_mic_without_openmmlab():
    done = run(STEP + '''
assert not {'mmcv', 'mmseg', 'mmengine'} & {name.split('.')[0] for name in sys.modules}
''')
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ['decode.loss_seg', 'enhanced.loss_seg', 'enhanced_mix.loss_seg',
                                   'loss', 'masked.decode.loss_seg', 'mix.decode.loss_seg']


def test_an_openmmlab_of_another_line_leaves_the_pure_parts(tmp_path):
    """The line that names the version comes as a warning, and again with what needs OpenMMLab."""
    for package, version in dict(mmcv='3.0.0', mmseg='2.0.0').items():
        (tmp_path / package).mkdir()
        (tmp_path / package / '__init__.py').write_text(f'__version__ = {version!r}\n')
    code = (f'import sys; sys.path.insert(0, {str(tmp_path)!r})\n'
            'from mmseg_ssr.uda import build_self_training\nfrom mmseg_ssr import load')
    done = subprocess.run([sys.executable, '-W', 'always', '-c', code], cwd=ROOT, text=True,
                          capture_output=True)
    wanted = 'mmseg_ssr needs mmcv>=2.1,<3.0, found 3.0.0: install a version in that range'
    assert done.returncode == 1 and done.stderr.count(wanted) == 2
    assert done.stderr.splitlines()[-1].startswith('ImportError: mmseg_ssr.load needs OpenMMLab')


@pytest.mark.parametrize('name', ['load', 'methods', 'models', 'datasets', 'engine'])
def test_registered_names_say_in_one_line_what_they_need(name):
    done = run(f'from mmseg_ssr import {name}')
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f'ImportError: mmseg_ssr.{name} needs OpenMMLab, and mmcv and mmseg cannot be found: see '
        'docs/install.md')
