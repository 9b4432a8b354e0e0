"""The parity tests' own parts: a wrong number, or a case nobody knows, must not pass."""
import importlib.util
import json

import numpy as np
import pytest
import torch
from mmseg.models.builder import BACKBONES

from .cases import Case, data_folder, find_cases
from .conftest import ids_of
from .differences import Differences
from .fill import fill, fill_module, sample_index
from .kinds import checks_of
from .recorded_draws import RecordedDraws


def write_case(folder, name, tensors, **facts):
    np.savez(folder / f'{name}.npz', **tensors)
    (folder / f'{name}.json').write_text(json.dumps(dict(facts, seed=1)))
    return Case(folder / name)


def summaries(array, samples=16):
    """What a folder gives of a large array."""
    return dict(
        x_stats=np.array([array.mean(), array.std(), np.sqrt((array ** 2).sum())]),
        x_samples=array.reshape(-1)[sample_index(array.size, samples)],
        x_chmean=array.mean((0, 2, 3)))


@pytest.fixture
def checksums(tmp_path):
    """A folder's case of a backbone's outputs, of which it has the summaries alone."""
    backbone = BACKBONES.build(dict(type='mit_b0', drop_path_rate=0.))
    fill_module(backbone, 1, 'model.backbone.')
    img = np.random.default_rng(0).standard_normal((1, 3, 32, 64)).astype(np.float32)
    arrays = dict(input=img)
    with torch.no_grad():
        for i, output in enumerate(backbone(torch.from_numpy(img))):
            parts = summaries(output.numpy().astype(np.float64))
            arrays.update({name.replace('x_', f'out{i}_'): part for name, part in parts.items()})
    return write_case(tmp_path, '01_mit_b0_checksums', arrays, config=dict(type='mit_b0'),
                      fill_prefix='model.backbone.')


def outside(case):
    """The quantities of a case that are compared, and those that are outside of a tolerance."""
    differences = Differences(case)
    (check, ) = checks_of(case).values()
    check(case, differences)
    return [entry.quantity for entry in differences.entries], [
        entry.quantity for entry in differences.outside]


def test_checksums_of_a_backbone_are_a_case(checksums):
    names = [f'out{i}_{part}' for i in range(4) for part in ('stats', 'samples', 'chmean')]
    assert outside(checksums) == (names, [])
    for name in names[-3:]:
        right = checksums.arrays[name]
        checksums.arrays[name] = right * 1.01
        assert outside(checksums) == (names, [name])
        checksums.arrays[name] = right


def test_what_a_case_lacks_to_be_computed_is_named(checksums):
    del checksums.arrays['input']
    with pytest.raises(LookupError, match=r"checksums.npz does not hold 'input'.*'out0_chmean'"):
        outside(checksums)


def test_an_output_that_a_case_has_nothing_of_is_an_error(checksums):
    for part in ('stats', 'samples', 'chmean'):
        del checksums.arrays[f'out2_{part}']
    with pytest.raises(KeyError, match='has no array out2, whole or summarized'):
        outside(checksums)


def test_fill_gives_the_values_of_the_readme():
    assert fill(1, 'model.backbone.norm1.weight', (3, )) == pytest.approx(
        [1.0368298, 1.0161234, 0.9432508], abs=1e-7)
    assert fill(1, 'model.decode_head.conv_seg.weight', (2, 2, 1, 1)).ravel() == pytest.approx(
        [3.7674952, -2.0602863, -0.7555271, -4.4099813], abs=1e-7)
    assert sample_index(100, 16).tolist() == [0, 6, 13, 19, 26, 33, 39, 46, 52, 59, 66, 72, 79,
                                              85, 92, 99]


def test_fill_is_the_rule_of_the_folder():
    file = data_folder() / 'fill.py'
    if not file.exists():
        pytest.skip('the folder has no rule of its own')
    spec = importlib.util.spec_from_file_location('published_fill', file)
    published = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(published)
    for name, shape in (('a.bn.num_batches_tracked', ()), ('a.running_mean', (3, )),
                        ('a.running_var', (3, )), ('a.pos_embed', (1, 2, 2, 3)),
                        ('a.attn.rel_pos_h', (3, 2)), ('a.norm.weight', (4, )), ('a.bias', (4, )),
                        ('a.conv_seg.weight', (2, 3, 1, 1)), ('a.proj.weight', (2, 3))):
        assert np.array_equal(fill(7, name, shape), published.fill(7, name, shape))
    for entries, samples in ((5, 16), (100, 16), (1000, 64)):
        assert np.array_equal(sample_index(entries, samples),
                              published.sample_index(entries, samples))


@pytest.mark.parametrize('channel_mean', [True, False])
def test_summaries_stand_for_an_array(tmp_path, channel_mean):
    array = np.random.default_rng(0).standard_normal((2, 5, 4, 3))
    arrays = summaries(array)
    if not channel_mean:
        arrays['x_chmean'] = array.mean((2, 3))
    case = write_case(tmp_path, '01_x', arrays)
    right, wrong = Differences(case), Differences(case)
    right.array('x', torch.from_numpy(array), 1e-12)
    assert len(right.entries) == 3 and not right.outside
    wrong.array('x', torch.from_numpy(array * np.linspace(1, 2, 5)[:, None, None]), 1e-3)
    assert len(wrong.outside) == 3


def test_absent_array_is_an_error(tmp_path):
    case = write_case(tmp_path, '01_x', dict(y=np.zeros(3)))
    with pytest.raises(KeyError, match='01_x has no array x'):
        Differences(case).array('x', torch.zeros(3), 1.)


@pytest.mark.parametrize('own', [[1., 2., float('nan')], [1., 2.], [1., 2., 3.1]])
def test_what_is_not_equal_is_outside(tmp_path, own):
    differences = Differences(write_case(tmp_path, '01_x', dict(x=np.array([1., 2., 3.]))))
    differences.array('x', torch.tensor(own), 1e-2)
    assert differences.outside


def test_only_the_described_part_is_stored(tmp_path):
    array = np.random.default_rng(0).standard_normal((1, 2, 5, 7))
    case = write_case(tmp_path, '06_x', dict(x=array[:, :, ::2, ::2]),
                      arrays=dict(x=dict(what='logits, every 2nd row and column')))
    differences = Differences(case)
    differences.array('x', torch.from_numpy(array), 1e-12)
    assert not differences.outside


def test_unknown_kind_fails(tmp_path):
    case = write_case(tmp_path, '07_new_kind', {})
    assert ids_of(case) == ['07_new_kind']  # so there is a test, and it raises
    with pytest.raises(LookupError, match='07_new_kind is of no known kind'):
        checks_of(case)


def test_any_name_behind_the_number_is_a_training(tmp_path):
    case = write_case(tmp_path, '05_anything_else', {}, config=dict(uda={}))
    assert '05_anything_else-sequential' in checks_of(case)


def test_file_without_partner_is_a_case(tmp_path):
    np.savez(tmp_path / '05_alone.npz')
    (tmp_path / 'noise.json').write_text('{}')
    assert [case.name for case in find_cases(tmp_path)] == ['05_alone']
    assert ids_of(find_cases(tmp_path)[0]) == ['05_alone']


def test_empty_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match='no parity case'):
        find_cases(tmp_path)


@pytest.mark.parametrize('size, blocks', [((64, 96), (4, 6)), ((70, 100), (2, 3)),
                                          ((96, 80), (4, 3))])
def test_block_grid_gives_the_mask_back(size, blocks):
    grid = torch.rand(2, 1, *blocks).round()
    mask = torch.nn.functional.interpolate(grid, size=size).long()
    draws = RecordedDraws([dict(mask=[mask])])
    for image in range(2):
        assert torch.equal(draws.block_grid(image, blocks, 'cpu'), grid[image, 0])


def test_drawing_more_than_recorded_fails():
    draws = RecordedDraws([dict(crop_box=[(0, 8, 0, 8)])])
    draws.crop_box(16, 16, (8, 8))
    with pytest.raises(AssertionError, match='more of crop_box than was recorded'):
        draws.crop_box(16, 16, (8, 8))
