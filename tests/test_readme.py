"""README and docs name what exists: files, links, make targets, command line options."""
import contextlib
import io
import re
import runpy
import sys
from functools import cache
from pathlib import Path
from unittest import mock

import pytest

from mmseg_ssr.__main__ import COMMANDS
from mmseg_ssr.__main__ import main as mmseg_ssr_command
from mmseg_ssr.experiments import EXPERIMENTS

ROOT = Path(__file__).parents[1]
README = ROOT / 'README.md'
PAGES = [README, *sorted((ROOT / 'docs').rglob('*.md'))]
TEXTS = {page: page.read_text(encoding='utf-8') for page in PAGES}
EVERYTHING = ''.join(TEXTS.values())
# a path of ours: not part of a longer one such as mmseg/.mim/tools/test.py
NAMED = re.compile(r'(?<![\w/.-])((?:configs|tools|docs|tests|mmseg_ssr)/[\w./-]+\.(?:py|md|sh|svg)'
                   r'|run_experiments\.py|experiments\.py)\b')
LINK = re.compile(r'\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)')
SCRIPT = r'(mmseg-ssr [a-z-]+|(?:tools/)?[a-z_/]+\.py)'  # of a command


def named_files():
    return sorted({(page.relative_to(ROOT).as_posix(), name) for page, text in TEXTS.items()
                   for name in NAMED.findall(text)})


def anchors(page: Path) -> set:
    """The anchors of the headings of a page, as GitHub and the site make them."""
    titles = re.findall(r'^#+ (.*)', re.sub(r'^```.*?^```', '', TEXTS[page], flags=re.M | re.S),
                        re.M)
    return {re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-') for title in titles}


def section(title: str, page: str) -> str:
    """The text of a second-level section of a page."""
    return re.search(rf'^## {re.escape(title)}\n(.*?)(?=^## |\Z)', TEXTS[ROOT / page],
                     re.M | re.S).group(1)


@cache
def shown(script: str, *arguments: str) -> str:
    """What a command prints. It runs in this process, which has torch imported already."""
    printed, (program, *words) = io.StringIO(), script.split()
    path = [str((ROOT / program).parent), *sys.path]
    with mock.patch('sys.argv', [program, *words, *arguments]), mock.patch('sys.path', path), \
            contextlib.redirect_stdout(printed):
        try:
            if words:
                mmseg_ssr_command()
            else:
                runpy.run_path(str(ROOT / program), run_name='__main__')
        except SystemExit as end:
            assert not end.code, script
    return printed.getvalue()


def options(text: str) -> set:
    return set(re.findall(r'(?<![\w-])--[a-z][a-z-]+', text))


def commands() -> dict:
    """Script -> the options that commands in the pages give it."""
    found = {}
    for block in re.findall(r'^```(?:shell|none)\n(.*?)^```', EVERYTHING, re.M | re.S):
        for line in block.replace('\\\n', ' ').splitlines():
            line = line.replace('-m mmseg_ssr', 'mmseg-ssr')
            found_in_line = re.search(rf'(?:^|python |torchrun\b.*? ){SCRIPT}(.*?)(?:#|&&|$)', line)
            if found_in_line:
                script, rest = found_in_line.groups()
                found.setdefault(script, set()).update(options(rest))
    return found


def row_of(config: str, text: str) -> str:
    """The row of a table that has a config in its cells."""
    return next(line for line in text.splitlines()
                if line.startswith('|') and re.search(rf'{re.escape(config)}[`)]', line))


# ---------------------------------------------------------------- what pages name is there
@pytest.mark.parametrize('page, name', named_files())
def test_named_file_exists(page, name):
    assert (ROOT / name).is_file(), f'{page} names {name}, which does not exist'


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(TEXTS[page]):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f'{target}#{anchor}'


def test_make_targets_exist():
    targets = set(re.findall(r'^([a-z0-9]+):', (ROOT / 'Makefile').read_text(), re.M))
    named = set(re.findall(r'`(?:\w+=\S+ )*make ([a-z0-9]+)', EVERYTHING)) | set(
        re.findall(r'^make ([a-z0-9]+)', EVERYTHING, re.M))
    assert {'demo', 'test', 'setup'} <= named <= targets


@pytest.mark.parametrize('title, page, script', [
    ('Options', 'docs/train.md', 'mmseg-ssr train'),
    ('Options', 'docs/test.md', 'mmseg-ssr test'),
    ('Predict', 'docs/deploy.md', 'mmseg-ssr predict'),
    ('Export', 'docs/deploy.md', 'mmseg-ssr export')])
def test_options_exist(title, page, script):
    text = section(title, page)
    named = options(text.split('Two other commands')[0])
    assert len(named) > 4
    assert named <= options(shown(script, '--help'))


@pytest.mark.parametrize('script', sorted(set(commands()) - {'mmseg-ssr benchmark'}))
def test_options_of_commands_exist(script):
    assert commands()[script] <= options(shown(script, '--help'))


def test_options_of_the_benchmark_exist():
    known = set().union(*(options(shown('mmseg-ssr benchmark', name, '--help'))
                          for name in ('step', 'encoder', 'inference', 'data', 'eval', 'gpu',
                                       'scale')))
    assert commands()['mmseg-ssr benchmark'] <= known


def test_experiments_exist():
    named = set(re.findall(r'mmseg-ssr (?:table|results) ([a-z][\w-]*)', EVERYTHING))
    assert len(named) > 9 and named <= {experiment.id for experiment in EXPERIMENTS}
    assert named <= set(re.findall(r'^([\w-]+):', shown('mmseg-ssr table', '--list'), re.M))
    for experiment, name in re.findall(r'mmseg-ssr table ([\w-]+) --rows (\w+)', EVERYTHING):
        rows = next(each.rows for each in EXPERIMENTS if each.id == experiment)
        assert name in {row.name for row in rows}


# ---------------------------------------------------------------- what is there is named
def test_the_papers_configs_are_named():
    names = {name for page, name in named_files() if page == 'README.md'}
    assert {'configs/sam/daformer_sam_vit_b.py', 'configs/sam/daformer_mic_sam_vit_b.py',
            'run_experiments.py'} <= names


def test_every_page_can_be_reached():
    reached, new = set(), {README}
    while new:
        reached |= new
        new = {(page.parent / target).resolve() for page in new if page in TEXTS
               for target, _ in LINK.findall(TEXTS[page]) if target.endswith('.md')} - reached
    assert set(PAGES) <= reached
    index = set(re.findall(r'\]\((\w+\.md)\)', TEXTS[ROOT / 'docs/index.md']))
    assert index | {'index.md'} == {page.name for page in PAGES[1:]}


def test_every_command_is_named():
    scripts = [path.name for path in (ROOT / 'tools').rglob('*.py')
               if "__name__ == '__main__'" in path.read_text(encoding='utf-8')]
    assert len(scripts) > 15
    page = TEXTS[ROOT / 'docs/commands.md']
    assert [name for name in scripts if name not in page] == []
    assert [name for name in COMMANDS if f'`mmseg-ssr {name} ' not in page] == []


def test_every_example_is_named():
    examples = [path.name for path in (ROOT / 'docs/examples').glob('*.py')]
    assert len(examples) > 5
    assert [name for name in examples if f'docs/examples/{name}' not in EVERYTHING] == []


def test_every_config_is_in_the_model_zoo():
    configs = [path.relative_to(ROOT) for path in sorted((ROOT / 'configs').rglob('*.py'))
               if '_base_' not in path.parts]
    zoo = TEXTS[ROOT / 'docs/model_zoo.md']
    assert [path for path in configs if f'(../{path.as_posix()})' not in zoo] == []


def test_published_numbers_are_those_of_the_experiments():
    zoo, readme = TEXTS[ROOT / 'docs/model_zoo.md'], TEXTS[README]
    rows = [row for experiment in EXPERIMENTS for row in experiment.rows
            if row.published is not None and not row.overrides]
    assert len(rows) > 20
    for row in rows:
        number = max(f'{row.published:.1f}', f'{row.published:g}', key=len)
        assert f' {number} ' in row_of(row.config, zoo), row.name
        if row.config in readme:
            assert f' {number} ' in row_of(row.config, readme), row.name


def test_names_of_sam_files_begin_their_sums():
    page = TEXTS[ROOT / 'docs/weights.md']
    names = set(re.findall(r'sam_vit_._([0-9a-f]{6})\.pth', page))
    assert len(names) == 3
    assert all(re.search(rf'`{digits}[0-9a-f]{{26}}`', page) for digits in names)


def test_the_readme_is_read_in_one_go():
    lines = TEXTS[README].splitlines()
    assert len(lines) <= 150
    assert max(len(line) for line in lines if not line.startswith(('|', '!'))) <= 130
