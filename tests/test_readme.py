"""README and docs name what exists: files, links, make targets, command line options."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text(encoding='utf-8')
DEPLOY = (ROOT / 'docs/deploy.md').read_text(encoding='utf-8')
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md'))]
# a path of ours: not part of a longer one such as mmseg/.mim/tools/test.py
NAMED = re.compile(r'(?<![\w/.-])((?:configs|tools|docs|tests|mmseg_ssr)/[\w./-]+\.(?:py|md|sh)'
                   r'|run_experiments\.py|experiments\.py)\b')
LINK = re.compile(r'\]\((?!https?://|#|mailto:)([^)#\s]+)')


def named_files():
    return sorted({(page.relative_to(ROOT).as_posix(), name) for page in PAGES
                   for name in NAMED.findall(page.read_text(encoding='utf-8'))})


def section(title: str, page: str = README) -> str:
    """The text of a second-level section of the README, or of another page."""
    return re.search(rf'^## {re.escape(title)}\n(.*?)(?=^## |\Z)', page, re.M | re.S).group(1)


@pytest.mark.parametrize('page, name', named_files())
def test_named_file_exists(page, name):
    assert (ROOT / name).is_file(), f'{page} names {name}, which does not exist'


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = LINK.findall(page.read_text(encoding='utf-8'))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_papers_configs_are_named():
    names = {name for page, name in named_files() if page == 'README.md'}
    assert {'configs/sam/daformer_sam_vit_b.py', 'configs/sam/daformer_mic_sam_vit_b.py',
            'tools/test.py', 'run_experiments.py'} <= names


def test_make_targets_exist():
    targets = set(re.findall(r'^([a-z]+):', (ROOT / 'Makefile').read_text(), re.M))
    named = set(re.findall(r'`(?:\w+=\S+ )*make ([a-z]+)', README)) | set(
        re.findall(r'^make ([a-z]+)', README, re.M))
    assert {'demo', 'test', 'setup'} <= named <= targets


@pytest.mark.parametrize('title, script', [
    ('Train', 'run_experiments.py'), ('Test', 'tools/test.py'),
    ('Predict', 'tools/infer.py'), ('Export', 'tools/export.py')])
def test_options_exist(title, script):
    page = README if title in ('Train', 'Test') else DEPLOY
    named = set(re.findall(r'(?<![\w-])--[a-z][a-z-]+', section(title, page)))
    assert len(named) > 4
    shown = subprocess.run([sys.executable, str(ROOT / script), '--help'], cwd=ROOT, text=True,
                           capture_output=True, check=True).stdout
    assert named <= set(re.findall(r'--[a-z][a-z-]+', shown))


def test_experiments_exist():
    named = set(re.findall(r'--exp ([a-z][\w-]*)', README))
    shown = subprocess.run([sys.executable, str(ROOT / 'run_experiments.py'), '--list'], cwd=ROOT,
                           text=True, capture_output=True, check=True).stdout
    assert named and named <= set(re.findall(r'^([\w-]+):', shown, re.M))


@pytest.mark.parametrize('column, rows', [('benchmark', 6), ('method, on GTA5 -> Cityscapes', 7)])
def test_rows_of_the_tables_link_to_configs(column, rows):
    table = re.search(rf'^\| {column} \|.*\n\|[-|]+\n((?:\|.*\n)+)', README, re.M).group(1)
    links = [set(re.findall(r'\]\((configs/[\w/]+\.py)\)', row)) for row in table.splitlines()]
    assert len(links) >= rows and all(len(row) >= 1 for row in links)


def test_every_config_is_linked_or_named():
    text = ''.join(page.read_text(encoding='utf-8') for page in PAGES)
    text += (ROOT / 'experiments.py').read_text(encoding='utf-8')
    configs = [path for path in sorted((ROOT / 'configs').rglob('*.py'))
               if '_base_' not in path.parts]
    assert [path.stem for path in configs if path.stem not in text] == []


def test_short_checksums_begin_the_full_ones():
    full = (ROOT / 'docs' / 'real_data.md').read_text(encoding='utf-8')
    short = re.findall(r'`([0-9a-f]{8})\.\.\.`', README)
    assert len(short) == 6
    assert [digits for digits in short if f'`{digits}' not in full] == []


def test_pages_fit_the_width_of_a_wide_terminal():
    text = [line for line in README.splitlines() if not line.startswith('|')]
    assert max(map(len, text)) <= 125
