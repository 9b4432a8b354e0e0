"""What the pages name in back quotes is there: keys, settings, options, modules.

The keys are those of docs/config.md, which the code writes (test_docs.py).
"""
import importlib
import re
from pathlib import Path

import pytest
from tiny_training import ROOT

REFERENCE = (ROOT / 'docs/config.md').read_text(encoding='utf-8')
PAGES = [ROOT / 'README.md', *(page for page in sorted((ROOT / 'docs').glob('*.md'))
                               if page.name != 'config.md')]
#: Options of other programs: torchrun, slurm, TensorBoard.
FOREIGN_OPTIONS = {'--tta', '--nproc_per_node', '--max_restarts', '--signal', '--logdir'}
#: Settings of mmseg and of calls in the text.
FOREIGN_SETTINGS = {'avg_non_ignore', 'norm_cfg', 'norm_eval', 'loss_decode', 'custom_imports'}


def keys_of(*titles: str) -> set:
    """The keys in those tables of the reference whose title has one of the words."""
    sections = re.findall(r'^##+ ([^\n]*)\n(.*?)(?=^##|\Z)', REFERENCE, re.M | re.S)
    return {key for title, text in sections if any(word in title for word in titles)
            for key in re.findall(r'^\| `(\w+)` \|', text, re.M)}


#: The keys below a path of a config.
KEYS = {
    'uda': keys_of('`DACS`') | {'type'},
    'uda.mask_generator': keys_of('`uda.mask_generator`'),
    'uda.regularizer': keys_of('`uda.regularizer`'),
    'uda.regularizer.encoder': keys_of('encoder, type') | {'type'},
    'data': keys_of('`data`'), 'data.train': keys_of('`UDADataset`'),
    'data.train.rare_class_sampling': keys_of('`data.train.rare_class_sampling`'),
    'checkpoint_config': keys_of('`checkpoint_config`'), 'evaluation': keys_of('`evaluation`'),
    'model': keys_of('EncoderDecoder`') | {'type'},
    'model.backbone': keys_of('`mit_b0`', '`FoundationBackbone`') | {'type'},
    'model.decode_head': keys_of('Head`') | {'in_channels', 'num_classes', 'loss_decode'}}
SETTINGS = keys_of('') | {'type', 'crop_pseudo_margins'} | FOREIGN_SETTINGS


def code_of(page: Path) -> list:
    """What stands in single back quotes."""
    text = re.sub(r'^```.*?^```', '', page.read_text(encoding='utf-8'), flags=re.M | re.S)
    return re.findall(r'`([^`]+)`', text)


def paths_of(page: Path) -> set:
    """The keys of configs that a page writes as paths."""
    pattern = r'(?<![\w./])((?:uda|data|model|checkpoint_config|evaluation)(?:\.[a-z]\w*)+)'
    files = ('.pth', '.safetensors', '.torchscript', '.pt2', '.onnx')
    return {path for code in code_of(page) for path in re.findall(pattern, code)
            if not path.endswith(files)}


def test_the_reference_has_the_keys():
    assert len(PAGES) > 20 and all(len(keys) > 1 for keys in KEYS.values())
    assert sum(len(paths_of(page)) for page in PAGES) > 60


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_keys_of_configs_exist(page):
    for path in paths_of(page):
        parent, _, key = path.rpartition('.')
        if page.stem == 'mmseg1' and parent == 'model' and key in KEYS['uda']:
            continue  # there the method is the model
        assert parent in KEYS and key in KEYS[parent], f'{page.name}: {path}'


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_plain_settings_exist(page):
    keys = {key for code in code_of(page) for key in re.findall(r'^([a-z]\w*)=', code)}
    assert keys <= SETTINGS


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_options_exist(page):
    named = {name for code in code_of(page)
             for name in re.findall(r'(?<![\w-])--[a-z][\w-]+', code)}
    sources = [*(ROOT / 'tools').rglob('*.py'), *(ROOT / 'mmseg_ssr').rglob('*.py'),
               ROOT / 'run_experiments.py']
    known = {name for source in sources
             for name in re.findall(r"'(--[a-z][\w-]+)'", source.read_text(encoding='utf-8'))}
    assert named <= known | FOREIGN_OPTIONS | {'--help'}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_modules_and_classes_exist(page):
    for path in {path for code in code_of(page)
                 for path in re.findall(r'^((?:mmseg_ssr|mmseg)(?:\.\w+)+)(?=\(|$)', code)}:
        module, _, attribute = path.rpartition('.')
        assert hasattr(importlib.import_module(module), attribute), path


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_pages_are_plain_markdown(page):
    text = re.sub(r'^```.*?^```|`[^`\n]*`', '', page.read_text(encoding='utf-8'),
                  flags=re.M | re.S)
    assert len(re.findall(r'^# ', text, re.M)) == 1
    assert not re.search(r'<[a-z/]', text)  # no HTML, no bare addresses
