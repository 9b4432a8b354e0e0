"""Write docs/config.md, the reference of the config keys, from signatures and docstrings.

A test fails if the page is out of date. Change the docstring, not the page, and run this again.
"""
import inspect
import re
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
warnings.filterwarnings('ignore', message='On January 1, 2023, MMCV')

from mmcv.runner import HOOKS, RUNNERS
from mmseg.datasets.builder import DATASETS, PIPELINES
from mmseg.models.builder import MODELS

from mmseg_ssr.engine.config.keys import TOP_LEVEL, Keys, keys_at
from mmseg_ssr.engine.config.signatures import parameters
from mmseg_ssr.engine.config.types import described
from mmseg_ssr.engine.training.optimizer_hook import WatchedOptimizerHook  # noqa: F401
from mmseg_ssr.errors import UserError, cli
from mmseg_ssr.labels import RareClassSampling
from mmseg_ssr.methods.method import Method
from mmseg_ssr.models.mask_former.mask_losses import MaskLosses
from mmseg_ssr.models.mask_former.mask_transformer import MaskTransformer
from mmseg_ssr.models.mask_former.pixel_decoder import DeformablePixelDecoder
from mmseg_ssr.regions import ClusterRegions, NoRegions, SAMRegions, TorchvisionBoxes
from mmseg_ssr.regularizer import FrozenSAMEncoder, FrozenTimmEncoder, build_regularizer
from mmseg_ssr.uda import BlockMask
from mmseg_ssr.uda.keys import range_of
from mmseg_ssr.uda.method_keys import fields
from mmseg_ssr.utils.atomic_file import write_atomic

PAGE = ROOT / 'docs' / 'config.md'
REGISTRIES = (MODELS, DATASETS, PIPELINES, RUNNERS, HOOKS)
HEAD = """\
# Config keys

<!-- Made by tools/make_reference.py from signatures and docstrings: change those, run it again. -->

This page lists every key, its kind and its meaning. In the tables with defaults, a key
that has none is needed. A misspelled key, a value of another kind, and a needed key that is missing
end a command before anything is loaded. Keys that a class takes from mmseg or mmcv, and classes of
theirs, mean what they mean there. `--cfg-options uda.alpha=0.99` sets a key from the command line.
"""
OTHERS = """\
## Classes of other packages

Those that the configs in `configs/` name, with their keys and defaults; what these mean is in the
documentation of the package.
"""
#: Titles of the page with the members below each. A member is a path of plain dicts, a name of a
#: registered class (several in one text share a table), or a pair of a path and the callable that
#: takes its keys.
SECTIONS: Sequence[Tuple[str, Sequence[Any]]] = (
    ('The training', ['optimizer.paramwise_cfg', 'runner', 'SelfTrainingRunner',
                      'checkpoint_config', 'evaluation', 'PolyToHorizonLrUpdaterHook',
                      'WarmupThenLinearLrUpdaterHook']),
    ('Logging', ['log_config', 'ProgressLoggerHook', 'WatchedOptimizerHook']),
    ('Methods', ['DACS SSR MinEnt MaxSquare AdvSeg', ('uda.mask_generator', BlockMask),
                 ('uda.regularizer', build_regularizer)]),
    ('Frozen encoders', [("encoder, type 'sam' (the default)", FrozenSAMEncoder),
                         ("encoder, type 'timm'", FrozenTimmEncoder)]),
    ('Regions', [("regions, type 'sam'", SAMRegions), ("regions, type 'mini'", ClusterRegions),
                 ("regions, type 'none'", NoRegions),
                 ("boxes, type 'torchvision'", TorchvisionBoxes)]),
    ('Segmentors', ['SSREncoderDecoder', 'HRDAEncoderDecoder', 'Mask2Former', 'SARFormer',
                    'test_cfg']),
    ('Backbones and necks', ['mit_b0 mit_b1 mit_b2 mit_b3 mit_b4 mit_b5', 'mobilenet_v2',
                             'BEiTAdapter', 'DINOv2Adapter', 'FoundationBackbone',
                             'SimpleFeaturePyramid']),
    ('Heads', ['DAFormerHead', 'HRDAHead', 'DLV2Head', 'UpscaleHead', 'PyramidUpscaleHead',
               'Mask2FormerHead', 'SARFormerHead',
               ('decode_head.pixel_decoder', DeformablePixelDecoder),
               ('decode_head.transformer_decoder', MaskTransformer),
               ('decode_head.losses', MaskLosses)]),
    ('Data', ['data', 'UDADataset', ('data.train.rare_class_sampling', RareClassSampling),
              'FolderDataset', 'GTADataset SynthiaDataset SynscapesDataset BDD100KDataset '
              'MapillaryDataset CrossCityDataset', 'ACDCDataset', 'WildDashDataset',
              'CityscapesSynthiaDataset', 'CamVidDataset']),
    ('Steps of a pipeline', ['LoadScaledImage', 'AntialiasedResize', 'ResizeForScore',
                             'PseudoLabelMargins', 'FormatValidPseudoMask', 'PlacesOnMap',
                             'CutEncoderMap']),
)


@cli
def main() -> None:
    if sys.argv[1:]:
        raise UserError(f'{sys.argv[0]} takes no arguments, got {" ".join(sys.argv[1:])}')
    write_atomic(PAGE, page().encode())
    print(f'{PAGE} is written')


def page() -> str:
    """Make the text of docs/config.md."""
    parts = [HEAD, '## Top level\n', plain_table(TOP_LEVEL)]
    for title, members in SECTIONS:
        parts.append(f'## {title}\n')
        parts += [part for member in members for part in section(member)]
    parts += [OTHERS, table(('class', 'package', 'keys'), foreign_classes())]
    return '\n'.join(parts)


def section(member: Any) -> Iterator[str]:
    """Yield heading, summary and table of a member of :data:`SECTIONS`."""
    if isinstance(member, str) and keys_at(member):
        yield f'### `{member}`\n'
        yield plain_table(keys_at(member))
    elif isinstance(member, str):
        classes = [registered(name) for name in member.split()]
        yield '### ' + ', '.join(f'`{cls.__name__}`' for cls in classes) + '\n'
        if len(classes) == 1:
            yield summary(classes[0]) + '\n'
        else:
            yield ''.join(f'- `{cls.__name__}`: {summary(cls)}\n' for cls in classes)
        yield argument_table(classes[0])
    else:
        path, target = member
        yield f'### {path if " " in path else f"`{path}`"}\n'
        yield summary(target) + '\n'
        yield argument_table(target)


def plain_table(keys: Keys) -> str:
    return table(('key', 'kind', 'meaning'), (
        (f'`{name}`', described(key.kind) if key.kind else '', key.meaning)
        for name, key in keys.items()))


def argument_table(target: Callable) -> str:
    """Make a table of a callable's arguments, with their texts in its docstring."""
    rows = [(f'`{name}`', kind(parameter) + bounds(target, name), default(parameter), meaning)
            for name, (parameter, meaning) in arguments(target).items()]
    return table(('key', 'kind', 'default', 'meaning'), rows) if rows else 'It has no keys.\n'


def arguments(target: Callable) -> Dict[str, Tuple[inspect.Parameter, str]]:
    """Name -> parameter and meaning. Arguments of other packages' classes have no meaning here."""
    meanings: Dict[str, str] = {}
    for cls in reversed(ours(target)):
        meanings.update(documented(cls.__doc__ or ''))
    if inspect.isclass(target) and issubclass(target, Method):
        meanings.update({name: field.metadata['meaning'] for name, field in fields().items()})
    found, _ = parameters(target)
    return {name: (parameter, meanings.get(name) or origin(target, name))
            for name, parameter in found.items() if name != 'segmentor'}  # a builder passes it


def ours(target: Callable) -> List[Any]:
    """The class and its bases in this package, or the function."""
    family = target.__mro__ if inspect.isclass(target) else [target]
    return [member for member in family if member.__module__.startswith('mmseg_ssr')]


def origin(target: Callable, name: str) -> str:
    """Name the other package's class that takes the argument; empty if it is ours."""
    for cls in target.__mro__ if inspect.isclass(target) else ():
        if '__init__' in vars(cls) and name in inspect.signature(cls.__init__).parameters:
            package = cls.__module__.split('.')[0]
            return '' if package == 'mmseg_ssr' else f"as in {package}'s `{cls.__name__}`"
    return ''


def documented(docstring: str) -> Dict[str, str]:
    """Parse argument -> text from ``Args`` (``Attributes`` in a dataclass), as Markdown.

    ``a, b: text`` gives the text of both.
    """
    text = inspect.cleandoc(docstring)
    found = (re.search(r'^Args:\n((?:[ ].*\n?|\n)+)', text, re.M)
             or re.search(r'^Attributes:\n((?:[ ].*\n?|\n)+)', text, re.M))
    entries: List[str] = []
    for line in textwrap.dedent(found.group(1)).splitlines() if found else ():
        if line.startswith(' ') and entries:
            entries[-1] += ' ' + line.strip()
        elif line:
            entries.append(line)
    split = (entry.partition(':') for entry in entries)
    return {name.strip(): markdown(meaning) for names, _, meaning in split
            for name in names.split(',')}


def summary(target: Callable) -> str:
    """The first sentence or paragraph of a docstring."""
    return markdown(inspect.cleandoc(target.__doc__ or '').split('\n\n')[0])


def markdown(text: str) -> str:
    """Turn a docstring's text into one line, with roles and literals as code."""
    text = re.sub(r':\w+:`(?:~[\w.]*?(\w+)|\.?([\w.]+))`',
                  lambda role: f'`{role.group(1) or role.group(2)}`', ' '.join(text.split()))
    return text.replace('``', '`')


def kind(parameter: inspect.Parameter) -> str:
    """Describe the type of an argument; empty if only its default tells."""
    if parameter.annotation is parameter.empty:
        return ''
    words = described(parameter.annotation)
    return '' if words in ('None', 'Module') else words


def bounds(target: Callable, name: str) -> str:
    """The range of a number among the keys of a method, as ``', at least 0'``."""
    field = fields().get(name) if inspect.isclass(target) and issubclass(target, Method) else None
    return f', {range_of(field.metadata["bounds"])}' if field and field.metadata['bounds'] else ''


def default(parameter: inspect.Parameter) -> str:
    return '' if parameter.default is parameter.empty else f'`{parameter.default!r}`'


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ['---'] * len(titles)]
    lines += [[cell.replace('|', '\\|') for cell in row] for row in rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines) + '\n'


def registered(name: str) -> Any:
    return [registry.module_dict[name] for registry in REGISTRIES
            if name in registry.module_dict][0]


def foreign_classes() -> Iterator[Sequence[str]]:
    """Yield name, package and keys of other packages' classes in the shipped configs."""
    text = ''.join(path.read_text(encoding='utf-8') for path in (ROOT / 'configs').rglob('*.py'))
    for name in sorted(set(re.findall(r"type='(\w+)'", text))):
        for cls in {registry.get(name) for registry in REGISTRIES} - {None}:
            package = cls.__module__.split('.')[0]
            if package != 'mmseg_ssr':
                keys = (f'`{key}`' if parameter.default is parameter.empty
                        else f'`{key}={parameter.default!r}`'
                        for key, parameter in parameters(cls)[0].items())
                yield f'`{name}`', package, ', '.join(keys)


if __name__ == '__main__':
    main()
