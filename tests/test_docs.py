"""The pages of docs/ as a site, and the reference of the config keys."""
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg_ssr.engine.config.keys import PLAIN, PLAIN_ANYWHERE, TOP_LEVEL
from mmseg_ssr.engine.config.signatures import parameters
from mmseg_ssr.engine.training import optimizer_hook  # noqa: F401  (registers its hook)
from mmseg_ssr.regularizer import build_regularizer
from mmseg_ssr.regularizer.encoders import ENCODERS

ROOT = Path(__file__).parents[1]
REFERENCE = (ROOT / 'docs' / 'config.md').read_text(encoding='utf-8')
SECTIONS = dict(re.findall(
    r'^### ([^\n]*)\n(.*?)(?=^##|\Z)', REFERENCE, re.M | re.S))


@pytest.fixture(scope='module')
def make_reference():
    spec = importlib.util.spec_from_file_location(
        'make_reference', ROOT / 'tools' / 'make_reference.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(section: str) -> dict:
    """Key -> the other cells of its row."""
    lines = re.findall(r'^\| (`.*) \|$', section, re.M)
    cells = [line.split(' | ') for line in lines]
    return {key.strip('`'): rest for key, *rest in cells}


# ---------------------------------------------------------------- the site
@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    for package in ('sphinx', 'myst_parser', 'furo'):
        pytest.importorskip(package, reason=f'{package} is not installed (requirements-dev.txt)')
    done = subprocess.run(
        [sys.executable, '-m', 'sphinx', '-W', '--keep-going', '-q', '-b', 'html', 'docs',
         str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')
    pages = {path.stem for path in (ROOT / 'docs').glob('*.md')}
    assert pages <= {path.stem for path in tmp_path.glob('*.html')}
    # A page is a link in the site, a file outside docs/ is a copy of it.
    page = (tmp_path / 'reliability.html').read_text(encoding='utf-8')
    assert re.search(r'href="multi_gpu.html"', page)
    assert re.search(r'href="_downloads/\w+/test_kill.py"', page)
    page = (tmp_path / 'fidelity.html').read_text(encoding='utf-8')
    assert re.search(r'href="_downloads/\w+/README.md"', page)
    assert not re.search(r'(?:src|href)="https?://[^"]*\.(?:js|css|woff2?)"', page)  # no network


# ---------------------------------------------------------------- the reference
def test_the_reference_is_up_to_date(make_reference):
    assert make_reference.page() == REFERENCE, 'run python tools/make_reference.py'


def registered(registries) -> list:
    """The classes of this package in the registries that configs look into; not those that other
    tests have entered under names of their own."""
    return sorted({cls for registry in registries for name, cls in registry.module_dict.items()
                   if cls.__module__.startswith('mmseg_ssr.') and 'tiny' not in name},
                  key=lambda cls: cls.__name__)


def test_every_argument_of_every_registered_class_is_in_it(make_reference):
    classes = registered(make_reference.REGISTRIES)
    assert len(classes) >= 26
    for cls in classes:
        section = next((text for title, text in SECTIONS.items()
                        if f'`{cls.__name__}`' in title), None)
        assert section is not None, f'{cls.__name__} is missing in tools/make_reference.py'
        assert set(rows(section)) == set(parameters(cls)[0]), cls.__name__


def test_a_table_that_classes_share_is_that_of_each(make_reference):
    for _, members in make_reference.SECTIONS:
        for member in members:
            if isinstance(member, str) and ' ' in member:
                tables = {make_reference.argument_table(make_reference.registered(name))
                          for name in member.split()}
                assert len(tables) == 1, member


def test_the_arguments_of_regularizer_and_encoders_are_in_it():
    assert set(rows(SECTIONS['`uda.regularizer`'])) == \
        set(parameters(build_regularizer)[0]) - {'segmentor'}
    shipped = {kind: cls for kind, cls in ENCODERS.items()
               if cls.__module__.startswith('mmseg_ssr.')}
    assert set(shipped) >= {'sam', 'timm'}
    for kind, cls in shipped.items():
        section = next(text for title, text in SECTIONS.items() if f"type '{kind}'" in title)
        assert set(rows(section)) == set(parameters(cls)[0])


def test_every_key_that_goes_to_no_constructor_is_in_it():
    loaders = {f'data.{name}_dataloader' for name in ('train', 'val', 'test')}  # accepted alone
    for path, keys in {**PLAIN, **PLAIN_ANYWHERE}.items():
        if path not in loaders:
            assert set(rows(SECTIONS[f'`{path}`'])) == set(keys), path
    assert set(rows(REFERENCE.split('\n## ')[1])) == set(TOP_LEVEL)


def test_no_meaning_is_empty():
    for title, section in [*SECTIONS.items(), ('Top level', REFERENCE.split('\n## ')[1])]:
        for key, cells in rows(section).items():
            assert len(cells[-1].strip('. ')) > 3, f'{title}: {key}'


# ---------------------------------------------------------------- docstrings
def test_arguments_that_share_a_text(make_reference):
    found = make_reference.documented("""Summary.

        More: not an argument.

        Args:
            first: a text
                that goes on: here.
            second, third,
                fourth: see :class:`~mmseg_ssr.uda.update.teacher.EMATeacher` and ``x=1``.

        Raises:
            ConfigError: never.
        """)
    shared = 'see `EMATeacher` and `x=1`.'
    assert found == dict(first='a text that goes on: here.', second=shared, third=shared,
                         fourth=shared)


def test_a_dataclass_has_attributes(make_reference):
    assert make_reference.documented('Summary.\n\nAttributes:\n    one: text.') == {'one': 'text.'}
    assert make_reference.documented('Summary.') == {}


def test_arguments_of_other_packages_name_their_class(make_reference):
    from mmseg.datasets import CityscapesDataset

    class Base:
        """Ours.

        Args:
            own: documented here.
        """
        __module__ = 'mmseg_ssr.somewhere'

    class Mixed(Base, CityscapesDataset):
        """No arguments here."""
        __module__ = 'mmseg_ssr.somewhere'

        def __init__(self, own, missing=1, **kwargs):
            super().__init__(**kwargs)

    found = {name: meaning for name, (_, meaning) in make_reference.arguments(Mixed).items()}
    assert found['own'] == 'documented here.'
    assert found['missing'] == ''  # which the page must not have
    assert found['img_suffix'] == "as in mmseg's `CityscapesDataset`"
    assert found['pipeline'] == "as in mmseg's `CustomDataset`"
