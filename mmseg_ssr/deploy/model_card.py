"""A model card in Markdown, for whoever gets the files of a model."""
import os
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Tuple

from mmcv import Config
from torch import nn

from ..engine.checkpoint.pretrained import needed_weight_files
from ..engine.config.saved import config_text
from ..engine.config.values import dataset_configs, method_config
from ..utils.versions import installed_versions
from .formats import FORMATS, Exported
from .model_file import ModelFile
from .numbers import Numbers
from .preparation import normalization, tested_size

PACKAGES = ('mmseg_ssr', 'torch', 'mmcv-full', 'mmsegmentation', 'timm', 'numpy', 'onnx',
            'onnxruntime', 'safetensors')

USE = '''\
`model.pth` and `model.safetensors` predict images of any size, and resize and normalize by
themselves:

```python
import mmseg_ssr
prediction = mmseg_ssr.load('{file}').predict('photo.jpg')
prediction.label        # H x W, uint8, the classes below
prediction.confidence   # H x W, in [0, 1]
```

The graphs (TorchScript, torch.export, ONNX) take `image`, 1 x 3 x H x W, float32, RGB in 0..255,
which they normalize (mean {mean}, std {std}), and give `logits`, 1 x {classes} x H x W: the class
is the largest, its softmax the confidence. The model was tested on {tested}.'''


def model_card(model: ModelFile, network: nn.Module, weights: str, files: Sequence[Exported],
               numbers: Optional[Numbers]) -> str:
    """Write the card: model, files, usage, data, numbers, versions, config.

    Args:
        network: the network that was exported.
        weights: ``'student'`` or ``'teacher'``.
        files: the files that were written.
        numbers: measured scores, None if there are none.
    """
    sections = [
        ('Model', _table(('', ''), _about(model, network, weights))),
        ('Files', _table(('file', 'MB', 'images', 'largest difference of logits', 'for'),
                         map(_file, files))),
        ('Use', _use(model, network, files)),
        ('Classes', ', '.join(f'{k} {name}' for k, name in enumerate(network.CLASSES))),
        ('Data', _data(model.cfg)),
        ('Numbers', _numbers(numbers)),
        ('Versions', _versions(model)),
        ('Config', f'```python\n{config_text(model.cfg).strip()}\n```'),
    ]
    title = model.cfg.get('name') or model.meta.get('exp_name') or os.path.basename(model.path)
    return '\n\n'.join([f'# {title}', *(f'## {head}\n\n{text}' for head, text in sections)]) + '\n'


def _about(model: ModelFile, network: nn.Module, weights: str) -> Iterator[Tuple[str, Any]]:
    parts = {name: type(getattr(network, name)).__name__ for name in ('backbone', 'decode_head')}
    yield 'task', f'semantic segmentation, {len(network.CLASSES)} classes'
    yield 'network', f'{type(network).__name__}, {parts["backbone"]}, {parts["decode_head"]}'
    yield 'parameters', f'{sum(p.numel() for p in network.parameters()) / 1e6:.2f} million'
    method = method_config(model.cfg)
    yield 'trained by', ('supervised training' if not method or method.get('source_only')
                         else method['type'])
    yield 'iterations', model.meta.get('iter', 'not noted')
    yield 'seed', model.meta.get('seed', 'not noted')
    yield 'weights', f'of the {weights}, from {os.path.basename(model.path)}'


def _file(file: Exported) -> Sequence[str]:
    images = 'any size'
    if file.fixed_size:
        images = f'{_size(file.fixed_size)} only ({file.reason})'
    return (f'`{os.path.basename(file.path)}`', f'{file.bytes / 1e6:.1f}', images,
            f'{file.difference:.1e} on {", ".join(map(_size, file.sizes))}',
            FORMATS[file.format].purpose)


def _use(model: ModelFile, network: nn.Module, files: Sequence[Exported]) -> str:
    own = [FORMATS[file.format].file for file in files if not FORMATS[file.format].traced]
    numbers = normalization(model.cfg)
    slide = (network.test_cfg or {}).get('mode') == 'slide'
    tested = f'images of {_size(tested_size(model.cfg))} (height x width)'
    if slide:
        tested = (f'{tested} that slide over the image by {tuple(network.test_cfg["stride"])} '
                  'pixels, their logits averaged: a graph is one such window')
    return USE.format(file=own[0] if own else 'model.pth', tested=tested, mean=numbers['mean'],
                      std=numbers['std'], classes=network.num_classes)


def _data(cfg: Config) -> str:
    rows = [(f'`{key}`', data.type, data.get('data_root') or '', data.get('img_dir') or '')
            for key, data in (dataset_configs(cfg) if cfg.get('data') else ())]
    weights = sorted({f'`{os.path.basename(file)}`' for _, file in needed_weight_files(cfg)})
    return '\n\n'.join([
        _table(('key', 'data set', 'folder', 'images'), rows),
        f'Pretrained weights in the training: {", ".join(weights) or "none"}.',
        'The licenses of the data sets and of the pretrained weights may bind what may be done '
        'with this model: this card grants nothing.'])


def _numbers(numbers: Optional[Numbers]) -> str:
    if numbers is None:
        return 'No scores of these weights were found beside the checkpoint, none were given.'
    rows = [(name, f'{value:.2f}' if value == value else '-')
            for name, value in numbers.scores.items()]
    return f'Percent; from {numbers.source}.\n\n{_table(("score", ""), rows)}'


def _versions(model: ModelFile) -> str:
    trained = [f'{name[:-len("_version")]} {value}' for name, value in sorted(model.meta.items())
               if name.endswith('_version')]
    exported = [f'{name} {version}' for name, version in installed_versions(PACKAGES).items()]
    return '\n'.join([f'- exported with {", ".join(exported)}',
                      f'- trained with {", ".join(trained) or "versions that are not noted"}'])


def _size(size: Sequence[int]) -> str:
    return f'{size[0]} x {size[1]}'


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines: List[Sequence[Any]] = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(str(cell).replace("|", "/") for cell in line)} |'
                     for line in lines)
