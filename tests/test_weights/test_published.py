import re
from pathlib import Path

import pytest

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.weights import FILES, published_sum
from mmseg_ssr.weights.published import command, find_published, published_named

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / 'configs').rglob('*.py'))


@pytest.mark.parametrize('name', FILES)
def test_sums_and_names_are_those_of_the_addresses(name):
    one = FILES[name]
    assert one.name == name and one.url.startswith('https://')
    assert re.fullmatch('[0-9a-f]{8}([0-9a-f]{56})?', one.sha256 or '0' * 8)
    named = re.search(r'-([0-9a-f]{8})\.pth$', one.url)
    assert named is None or one.sha256 == named[1]
    assert find_published(one.file) is find_published(one.published_name) is one


def test_sums_and_sizes_are_those_of_the_page():
    page = (ROOT / 'docs/weights.md').read_text(encoding='utf-8')
    for one in FILES.values():
        row, = (line for line in page.splitlines() if line.startswith(f'| `{one.name}` '))
        told = one.sha256 or 'none published'
        assert f'`{one.file}`' in row and told in row and one.license in row
        assert one.size is None or f'{one.size:,}' in row


@pytest.mark.parametrize('name, expected', [
    ('sam_vit_b_01ec64.pth', 'ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912'),
    ('resnet101_v1c-e67eebb6.pth', 'e67eebb6'), ('mit_b5_20220624-658746d9.pth', '658746d9'),
    ('mit_b5.pth', None), ('own-0123abcd.pth', None)])
def test_the_sum_of_a_name_that_several_publishers_use_is_unknown(name, expected):
    assert published_sum(f'elsewhere/{name}') == expected


def test_every_file_of_the_configs_is_known():
    files = {file for path in CONFIGS
             for file in re.findall("'(pretrained/.*?)'", path.read_text(encoding='utf-8'))}
    assert len(files) > 5 and not [file for file in files if find_published(file) is None]


@pytest.mark.parametrize('path, expected', [
    ('pretrained/mit_b5.pth', 'mmseg-ssr weights mit_b5'),
    ('my files/sam_vit_b_01ec64.pth', "mmseg-ssr weights sam_vit_b --dir 'my files'"),
    ('mit_b0_20220624-7e0fe6dd.pth',
     'mmseg-ssr weights mit_b0_20220624-7e0fe6dd.pth --dir .'),
    ('pretrained/own.pth', None)])
def test_the_command_that_fetches_a_path(path, expected):
    assert command(path) == expected


def test_names_and_names_of_files():
    assert published_named('dinov2_b') is published_named('dinov2_vitb14_pretrain.pth')
    for name in ('mit_b6', 'elsewhere/mit_b5.pth'):
        with pytest.raises(ConfigError, match=f"'{name}', did you mean 'mit_b"):
            published_named(name)
