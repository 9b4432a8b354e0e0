import ast
import warnings

import pytest

from .world import World


@pytest.fixture(scope='session')
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp('world'))


@pytest.fixture(autouse=True)
def fast(monkeypatch, tmp_path):
    """A folder of its own; configs are written down without yapf, which takes half a second."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('mmcv.utils.config.FormatCode', unformatted)
    monkeypatch.setattr('sys.stdin', None)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def unformatted(text, **unused):
    """As yapf does, an error where it is no Python; else the text as it is."""
    ast.parse(text)
    return text, True
