"""What the pages on method, extending and questions name is there: keys, options, experiments."""
import importlib
import inspect
import re
from pathlib import Path

import pytest
from mmseg.models.builder import BACKBONES
from tiny_training import ROOT

from mmseg_ssr.engine.config.keys import LOADER, PLAIN, TOP_LEVEL
from mmseg_ssr.labels import RareClassSampling
from mmseg_ssr.methods.method import Method
from mmseg_ssr.regularizer import FrozenSAMEncoder, build_regularizer

PAGES = [ROOT / 'docs' / f'{name}.md' for name in ('method', 'extending', 'faq')]


def arguments(target):
    return set(inspect.signature(target).parameters)


#: The keys below a path of a config.
KEYS = {
    'uda': arguments(Method) | {'type'}, 'uda.regularizer': arguments(build_regularizer),
    'uda.regularizer.encoder': arguments(FrozenSAMEncoder),
    'data': set(LOADER) | {'train', 'val', 'test'}, 'data.train': {'rare_class_sampling'},
    'data.train.rare_class_sampling': arguments(RareClassSampling),
    'checkpoint_config': set(PLAIN['checkpoint_config']), 'evaluation': set(PLAIN['evaluation']),
    'model': {'backbone', 'decode_head'}, 'model.backbone': arguments(BACKBONES.get('mit_b5')),
    'model.decode_head': {'loss_decode'}}


def code_of(page: Path) -> list:
    """What stands in single back quotes."""
    text = re.sub(r'^```.*?^```', '', page.read_text(encoding='utf-8'), flags=re.M | re.S)
    return re.findall(r'`([^`]+)`', text)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_keys_of_configs_exist(page):
    paths = {path for code in code_of(page)
             for path in re.findall(r'^((?:uda|data|model|checkpoint_config|evaluation)(?:\.\w+)+)',
                                    code)}
    assert paths
    for path in paths:
        parent, _, key = path.rpartition('.')
        assert parent in KEYS and key in KEYS[parent], f'{page.name}: {path}'


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_plain_settings_exist(page):
    keys = {key for code in code_of(page) for key in re.findall(r'^(\w+)=', code)}
    assert keys <= arguments(Method) | set(TOP_LEVEL) | {'type', 'amp', 'PYTHONPATH'}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_options_exist(page):
    named = {name for code in code_of(page)
             for name in re.findall(r'(?<![\w-])--[a-z][\w-]+', code)}
    sources = [*(ROOT / 'tools').glob('*.py'), ROOT / 'run_experiments.py',
               ROOT / 'mmseg_ssr/engine/distributed/launch.py']
    known = {name for source in sources
             for name in re.findall(r"'(--[a-z][\w-]+)'", source.read_text(encoding='utf-8'))}
    assert named <= known | {'--nproc_per_node'}  # torchrun's


def test_experiments_exist():
    pages = ''.join(page.read_text(encoding='utf-8') for page in PAGES)
    ids = set(re.findall(r'--exp ([a-z][\w-]*)', pages))
    experiments = (ROOT / 'experiments.py').read_text(encoding='utf-8')
    assert ids and all(f"'{name}'" in experiments for name in ids)


@pytest.mark.parametrize('name', ['method', 'extending', 'faq'])
def test_modules_and_classes_exist(name):
    page = (ROOT / 'docs' / f'{name}.md').read_text(encoding='utf-8')
    for path in set(re.findall(r'`((?:mmseg_ssr|mmseg)(?:\.\w+)+)`', page)):
        module, _, attribute = path.rpartition('.')
        assert hasattr(importlib.import_module(module), attribute), path


def test_readme_leads_to_the_pages():
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert all(f'](docs/{page.name})' in readme for page in PAGES)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_pages_are_plain_markdown(page):
    text = re.sub(r'^```.*?^```|`[^`\n]*`', '', page.read_text(encoding='utf-8'),
                  flags=re.M | re.S)
    assert len(re.findall(r'^# ', text, re.M)) == 1
    assert not re.search(r'<[a-z/]', text)  # no HTML, no bare addresses
