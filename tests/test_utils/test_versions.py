import types

import pytest

from mmseg_ssr.utils import versions


@pytest.mark.parametrize('text, numbers', [
    ('2.11.0+cu130', (2, 11, 0)), ('1.7.2', (1, 7, 2)), ('2.12.0a0', (2, 12, 0)), ('0.30', (0, 30)),
])
def test_release(text, numbers):
    assert versions.release(text) == numbers


@pytest.mark.parametrize('package, version, expected', [
    ('mmcv', '1.3.0', r'mmcv>=1.3.7,<2.0, found 1.3.0'),
    ('mmcv', '2.0.0rc4', r'mmcv>=2.1,<3.0, found 2.0.0rc4'),
    ('mmcv', '3.0', r'mmcv>=2.1,<3.0, found 3.0'),
    ('mmseg', '0.15.0', r'mmseg>=0.16,<1.0, found 0.15.0'),
    ('torch', '2.3.1', r'torch>=2.4, found 2.3.1'),
])
def test_a_version_that_does_not_fit_is_named(monkeypatch, package, version, expected):
    found = {'torch': '2.11.0', 'mmcv': '1.7.2', 'mmseg': '0.30.0', package: version}
    monkeypatch.setattr(versions, 'import_module',
                        lambda name: types.SimpleNamespace(__version__=found[name]))
    with pytest.raises(ImportError, match=expected):
        versions.check_versions()


@pytest.mark.parametrize('mmcv, mmseg, expected', [
    ('2.3.6', '0.30.0', r'mmseg>=1.2,<2.0, found 0.30.0'),
    ('1.7.2', '1.2.2', r'mmseg>=0.16,<1.0, found 1.2.2'),
])
def test_both_lines_are_never_mixed(monkeypatch, mmcv, mmseg, expected):
    found = dict(torch='2.11.0', mmcv=mmcv, mmengine='0.10.12', mmseg=mmseg)
    monkeypatch.setattr(versions, 'import_module',
                        lambda name: types.SimpleNamespace(__version__=found[name]))
    with pytest.raises(ImportError, match=expected):
        versions.check_versions()


def test_what_is_installed_fits():
    assert versions.check_versions() is None
