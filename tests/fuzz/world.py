"""What cases start from: miniature data, trainings that went well, and what came out of them."""
import contextlib
import io
import os
import shutil
from pathlib import Path
from typing import Any, Callable, Dict

import tiny_training
import torch

from mmseg_ssr.regularizer.sam_network import build_image_encoder

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
        self.references: Dict[str, Any] = {}
        self._uses: Dict[str, checkpoints.Use] = {}

    def data_in(self, folder: Path) -> Path:
        """A copy of the data that a case may damage."""
        target = folder / 'data'
        if not target.exists():
            shutil.copytree(self.data, target)
        return target

    def uses(self) -> Dict[str, checkpoints.Use]:
        """The commands that read weights, and undamaged files for each."""
        if not self._uses:
            self.train(self.config, self.trained)
            self._write_pretrained()
            self._uses = checkpoints.uses(self)
        return self._uses

    def _write_pretrained(self) -> None:
        torch.manual_seed(0)
        sam = build_image_encoder('vit_b', 32, tiny_training.tiny_regularizer()['encoder'][
            'encoder_args'])
        torch.save({f'image_encoder.{name}': value for name, value in sam.state_dict().items()},
                   self.folder / 'sam_vit_b_01ec64.pth')
        mit = dict(mit_tiny().state_dict())
        mit.update({'head.weight': torch.ones(1000, MIT[-1]), 'head.bias': torch.ones(1000)})
        torch.save(mit, self.folder / 'mit_b0.pth')

    def reference(self, name: str) -> Any:
        """What comes out of a command that reads an undamaged file of weights."""
        use = self.uses()[name]
        return self.reference_of(name, lambda folder: (use.run(use.file, folder),
                                                       use.result(folder))[1])

    def reference_of(self, name: str, run: Callable[[Path], Any]) -> Any:
        """What ``run`` gives in a folder with undamaged data."""
        if name not in self.references:
            folder = self.folder / f'reference-{name}'
            folder.mkdir()
            self.data_in(folder)
            with quiet():
                self.references[name] = run(folder)
        return self.references[name]

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
            command('scripts.train')([str(config), '--work-dir', str(work_dir), '--device', 'cpu',
                                       '--no-validate'])


@contextlib.contextmanager
def quiet():
    with open(os.devnull, 'w') as nothing, contextlib.redirect_stdout(nothing), \
            contextlib.redirect_stderr(io.StringIO()):
        yield
