from dataclasses import replace

import pytest
import torch
from mmcv import Config

from mmseg_ssr.doctor import Stage, examine_weights
from mmseg_ssr.weights import FILES, sha256
from mmseg_ssr.weights.sums import record_sum

SAM = 'sam_vit_b_01ec64.pth'


def examine(model=None, **sections):
    lines, findings = examine_weights([Config(dict(model=model or {}, **sections))])
    return lines, [(one.title, one.file, one.found, one.expected, one.mend) for one in findings]


@pytest.fixture
def weights(tmp_path):
    """Path of a whole file of tensors of a name that several publishers use."""
    path = tmp_path / 'mit_b5.pth'
    torch.save({'patch_embed1.proj.weight': torch.ones(4, 3)}, path)
    return path


def test_no_weights_are_named():
    assert examine(dict(pretrained=None)) == ([], [])


def test_a_file_without_a_published_sum_is_read_and_its_sum_told(weights):
    weights = weights.rename(weights.with_name('own.pth'))
    lines, findings = examine(dict(pretrained=str(weights)))
    assert findings == [] and len(lines) == 1
    assert f'sha256 {sha256(weights)}, no published sum is at hand' in lines[0]


@pytest.mark.parametrize('name, digits', [('mobilenet_v2', 'b0353104'), ('mit_b5', '658746d9')])
def test_another_file_of_a_name_that_several_publishers_use(weights, name, digits):
    path = weights.rename(weights.with_name(f'{name}.pth'))
    lines, findings = examine(dict(pretrained=str(path)))
    assert findings == [] and f', not the file at {FILES[name].url}, whose sha' in lines[0]
    assert lines[0].endswith(f'begins with {digits}')


def test_a_file_that_two_keys_name_is_one(weights):
    lines, _ = examine(dict(pretrained=str(weights), backbone=dict(pretrained=str(weights))))
    assert len(lines) == 1


def test_missing_files_with_what_fetches_them():
    _, found = examine(dict(pretrained='nowhere/mit_b5.pth'), load_from='nowhere/own.pth',
                       uda=dict(sam_model_registry='vit_b', sam_checkpoint=f'nowhere/{SAM}'))
    assert [one[:2] for one in found] == [('weights file is missing', f'nowhere/{name}')
                                          for name in ('mit_b5.pth', SAM, 'own.pth')]
    mit, sam, own = (one[4] for one in found)
    assert mit == ('mmseg-ssr weights mit_b5 --dir nowhere  # from https://download.openmmlab.com/'
                   'mmsegmentation/v0.5/pretrain/segformer/mit_b5_20220624-658746d9.pth (or '
                   'https://huggingface.co/nvidia/mit-b5)')
    assert sam == ('mmseg-ssr weights sam_vit_b --dir nowhere  # from '
                   f'https://dl.fbaipublicfiles.com/segment_anything/{SAM}')
    assert own == 'put the right file to nowhere/own.pth'


def test_a_size_that_is_not_the_published_one(tmp_path):
    path = tmp_path / SAM
    path.write_bytes(b'<html>')
    _, (found, ) = examine(uda=dict(regularizer=dict(encoder=dict(checkpoint=str(path)))))
    assert found[:3] == ('weights file is not the published one', str(path), '6 bytes')
    assert found[3].startswith('375042383 bytes')


@pytest.mark.parametrize('name, published', [
    ('dinov2_vitg14_pretrain.pth',
     'baf8467e50af277596bbbafa06887c177ee899ab46033649c383577d7e9309d3'),
    ('resnet101_v1c-e67eebb6.pth', 'e67eebb6...')])
def test_a_sum_that_is_not_the_published_one(weights, name, published):
    path = weights.rename(weights.with_name(name))
    _, (found, ) = examine(dict(pretrained=str(path)))
    assert found[:4] == ('weights file is not the published one', str(path),
                         f'sha256 {sha256(path)}', f'sha256 {published}')
    assert found[4].startswith(f'mv {path} {path}.other && mmseg-ssr weights ')


def test_a_sum_that_is_not_the_one_of_the_download(weights):
    record_sum(weights, sha256(weights))
    lines, findings = examine(dict(pretrained=str(weights)))
    assert findings == [] and lines[0].endswith('as downloaded')
    record_sum(weights, 'ab' * 32)
    _, (found, ) = examine(dict(pretrained=str(weights)))
    assert found[0] == 'weights file is not the published one'
    assert found[3] == f'sha256 {"ab" * 32}'


def test_a_sum_that_is_the_published_one(weights, monkeypatch):
    """Also of a name that others use, if it is the sum of the file at the address."""
    for name in ('dinov2_g', 'mit_b5'):
        one = replace(FILES[name], sha256=sha256(weights)[:8])
        monkeypatch.setitem(FILES, name, one)
        weights = weights.rename(weights.with_name(one.file))
        lines, findings = examine(dict(pretrained=str(weights)))
        assert findings == [] and lines[0].endswith('as published')


def test_a_file_that_is_cut_off(weights):
    weights.write_bytes(weights.read_bytes()[:-100])
    _, (found, ) = examine(dict(pretrained=str(weights)))
    assert found[0] == 'weights file cannot be read' and 'may be truncated' in found[2]
    assert '.other && mmseg-ssr weights mit_b5 --dir' in found[4]


def test_a_file_with_code_is_not_run(weights, capsys):
    class Code:
        def __reduce__(self):
            return print, ('code was run', )

    torch.save(dict(state_dict=dict(w=torch.ones(1)), meta=Code()), weights)
    _, (found, ) = examine(dict(pretrained=str(weights)))
    assert 'holds Python objects' in found[2] and 'code was run' not in capsys.readouterr().out


def test_a_finished_model_in_place_of_an_encoder(weights):
    torch.save(dict(state_dict={'decode_head.conv_seg.weight': torch.ones(2)}), weights)
    _, (found, ) = examine(dict(backbone=dict(pretrained=str(weights))))
    assert found[0] == 'weights file is of another kind'
    assert examine(dict(), load_from=str(weights))[1] == []


def test_safetensors(tmp_path):
    module = pytest.importorskip('safetensors.torch')
    path = tmp_path / 'model.safetensors'
    module.save_file(dict(w=torch.ones(2)), str(path))
    encoder = dict(uda=dict(regularizer=dict(encoder=dict(checkpoint=str(path)))))
    assert examine(**encoder)[1] == []
    path.write_bytes(path.read_bytes()[:-3])
    assert examine(**encoder)[1][0][0] == 'weights file cannot be read'


def test_findings_are_of_the_stage_after_the_installation():
    _, findings = examine_weights([Config(dict(model=dict(pretrained='nowhere/x.pth')))])
    assert [one.stage for one in findings] == [Stage.WEIGHTS]
