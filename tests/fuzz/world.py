"""What cases start from: miniature data, trainings that went well, and what came out of them."""
import contextlib
import io
import os
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict

import tiny_training
import torch

from mmseg_ssr.regularizer.sam_encoder import build_image_encoder

from . import checkpoints
from .commands import command
from .shrunk import MIT, mit_tiny


class World:
    """Made once; a case gets copies.

    Args:
        folder: where it is made.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.data = tiny_training.make_data(folder / 'data')
        sections = tiny_training.ssr_config(self.data, 2)
        sections['checkpoint_config']['interval'] = 1
        self.config = Path(tiny_training.write_config(folder / 'trained.py', sections))
        self.trained = folder / 'trained'

    def data_in(self, folder: Path) -> Path:
        """A copy of the data that a case may damage."""
        target = folder / 'data'
        if not target.exists():
            shutil.copytree(self.data, target)
        return target

    @lru_cache(maxsize=None)
    def uses(self) -> Dict[str, checkpoints.Use]:
        """The commands that read weights, and undamaged files for each."""
        self.train(self.config, self.trained)
        torch.manual_seed(0)
        sam = build_image_encoder('vit_b', 32, tiny_training.tiny_regularizer()['encoder'][
            'encoder_args'])
        torch.save({f'image_encoder.{name}': value for name, value in sam.state_dict().items()},
                   self.folder / 'sam_vit_b_01ec64.pth')
        mit = dict(mit_tiny().state_dict())
        mit.update({'head.weight': torch.ones(1000, MIT[-1]), 'head.bias': torch.ones(1000)})
        torch.save(mit, self.folder / 'mit_b0.pth')
        return checkpoints.uses(self)

    @lru_cache(maxsize=None)
    def reference(self, name: str) -> Any:
        """What comes out of a command that reads an undamaged file."""
        use = self.uses()[name]
        folder = self.folder / f'reference-{name}'
        folder.mkdir()
        with quiet():
            use.run(use.file, folder)
        return use.result(folder)

    def pretrained_config(self, kind: str, file: Path, folder: Path) -> Path:
        """A config that starts from the file, as the encoder's or the backbone's weights."""
        sections = tiny_training.ssr_config(self.data, 1)
        if kind == 'sam':
            sections['uda']['regularizer']['encoder']['checkpoint'] = str(file)
        else:
            sections['model'].update(pretrained=str(file), backbone=dict(type='mit_tiny'))
        return Path(tiny_training.write_config(folder / 'config.py', sections))

    def train(self, config: Path, work_dir: Path) -> None:
        with quiet():
            command('tools/train.py')([str(config), '--work-dir', str(work_dir), '--device', 'cpu',
                                       '--no-validate'])


@contextlib.contextmanager
def quiet():
    with open(os.devnull, 'w') as nothing, contextlib.redirect_stdout(nothing), \
            contextlib.redirect_stderr(io.StringIO()):
        yield
