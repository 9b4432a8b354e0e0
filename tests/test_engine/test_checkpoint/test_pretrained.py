import pytest
import torch
from mmcv import Config
from mmcv.cnn import ConvModule
from mmcv.runner import BaseModule
from mmseg.models.builder import BACKBONES
from torch import nn

from mmseg_ssr.engine.checkpoint.pretrained import (
    check_weight_files,
    initialize,
    weight_files_of,
)
from mmseg_ssr.errors import CheckpointError, ConfigError, MissingFile


def check(model=None, uda=None, **more):
    cfg = Config(dict(model=model or {}, **more), filename=None)
    if uda:
        cfg.uda = uda
    check_weight_files(cfg)


def test_nothing_to_look_for():
    check(dict(pretrained=None, backbone=dict(pretrained=False)),
          dict(regularizer=dict(encoder=dict(checkpoint=None))))


def test_files_that_are_there(tmp_path):
    (tmp_path / 'mit_b5.pth').touch()
    check(dict(pretrained=str(tmp_path / 'mit_b5.pth')))


@pytest.mark.parametrize('model, uda, message', [
    (dict(pretrained='nowhere/mit_b5.pth'), None,
     r'nowhere/mit_b5.pth \(model.pretrained .*fetch it with `mmseg-ssr weights mit_b5 --dir '
     r'nowhere`, it is published at https://download.openmmlab.com/.*huggingface.co/nvidia/mit-b5'),
    (dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='nowhere/own.pth'))), None,
     r'nowhere/own.pth \(model.backbone.init_cfg.checkpoint .*put the file there$'),
    (None, dict(sam_model_registry='vit_l'),
     r'sam_vit_l_0b3195.pth \(uda.sam_model_registry .*published at '
     r'https://dl.fbaipublicfiles.com/segment_anything/sam_vit_l_0b3195.pth'),
    (None, dict(sam_model_registry='vit_t'),
     r'pretrained/mobile_sam.pt \(uda.sam_model_registry .*`mmseg-ssr weights mobile_sam`, it is '
     r'published at https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt'),
    (None, dict(sam_model_registry='vit_b', sam_checkpoint='nowhere/sam.pth'),
     r'nowhere/sam.pth \(uda.sam_checkpoint'),
    (None, dict(regularizer=dict(encoder=dict(checkpoint='nowhere/sam_vit_b_01ec64.pth'))),
     r'uda.regularizer.encoder.checkpoint .*published at https://dl.fbai'),
])
def test_a_missing_file_says_which_where_and_from_where(model, uda, message):
    with pytest.raises(MissingFile, match=message) as error:
        check(model, uda)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('model, more, message', [
    (dict(pretrained='open-mmlab://resnet50_v1c'), {},
     r"model.pretrained = 'open-mmlab://resnet50_v1c' would be downloaded, a training does not do "
     r"that: `mmseg-ssr weights resnet50` fetches it, then give "
     r"'pretrained/resnet50_v1c-2cccc1ad.pth'"),
    (dict(pretrained='https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/'
                     'mit_b5_20220624-658746d9.pth'), {},
     "`mmseg-ssr weights mit_b5` fetches it, then give 'pretrained/mit_b5.pth'"),
    (dict(pretrained='open-mmlab://resnet18_v1c'), {},
     r'fetch https://download.openmmlab.com/.*resnet18_v1c-b5776b93.pth and give the path'),
    (dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18'))),
     {}, r'model.backbone.init_cfg.checkpoint .*fetch https://download.pytorch.org/.*resnet18'),
    (dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='https://x.org/a.pth'))), {},
     r'fetch https://x.org/a.pth and give'),
    (dict(backbone=dict(type='TIMMBackbone', pretrained=True)), {},
     r'model.backbone.pretrained = True would download weights'),
    (dict(backbone=dict(model_name='hf-hub:timm/x')), {}, r'model.backbone.model_name'),
    ({}, dict(uda=dict(regularizer=dict(encoder=dict(checkpoint='s3://bucket/sam.pth')))),
     r'uda.regularizer.encoder.checkpoint = .s3://bucket/sam.pth'),
    ({}, dict(load_from='http://x.org/a.pth'), 'load_from = .*fetch http://x.org/a.pth'),
    ({}, dict(data=dict(train=dict(source=dict(classes='http://x.org/names.txt')))),
     'data.train.source.classes'),
])
def test_nothing_is_downloaded(model, more, message):
    with pytest.raises(ConfigError, match=message) as error:
        check(model, **more)
    assert '\n' not in str(error.value)


def test_every_download_is_named():
    with pytest.raises(ConfigError) as error:
        check(dict(pretrained='https://x.org/a.pth'), load_from='http://x.org/b.pth')
    assert [line.split(' = ')[0] for line in error.value.problems] == [
        'None: model.pretrained', 'None: load_from']


class Code:
    def __reduce__(self):
        return print, ('code was run', )


@BACKBONES.register_module()
class OwnBackbone(BaseModule):
    """A backbone as projects have them, whose weights mmcv reads."""

    def __init__(self, pretrained=None, width=4):
        super().__init__(pretrained and dict(type='Pretrained', checkpoint=pretrained))
        self.conv = ConvModule(3, width, 3, norm_cfg=dict(type='BN'))
        self.last = nn.Conv2d(width, width, 1)


def test_weights_that_mmcv_reads_arrive(tmp_path):
    published, path = OwnBackbone(), str(tmp_path / 'own.pth')
    torch.save(dict(state_dict=published.state_dict()), path)
    backbone = OwnBackbone(path)
    initialize(backbone)
    assert torch.equal(backbone.last.weight, published.last.weight)


@pytest.mark.parametrize('value', [-1., float('inf')])
def test_variances_that_mmcv_would_take(tmp_path, value):
    published, path = OwnBackbone(), str(tmp_path / 'own.pth')
    published.conv.norm.running_var[0] = value
    torch.save(published.state_dict(), path)
    with pytest.raises(CheckpointError, match='own.pth: conv.bn.running_var '):
        initialize(OwnBackbone(path))


def test_safetensors_that_mmcv_does_not_read(tmp_path):
    module = pytest.importorskip('safetensors.torch')
    path = str(tmp_path / 'own.safetensors')
    module.save_file(dict(OwnBackbone().state_dict()), path)
    with pytest.raises(CheckpointError, match='which mmcv does not read for this network: give'):
        initialize(OwnBackbone(path))


@pytest.mark.parametrize('content, message', [
    (dict(state_dict={'module.net.last.weight': torch.randn(7, 4, 1, 1)}),
     'none of the weights in .*own.pth fits the OwnBackbone'),
    (OwnBackbone(width=8).state_dict(), 'none of the weights'),
    (dict(state_dict=dict(w=torch.ones(1)), meta=Code()),
     r'own.pth is not read: it holds Python objects \((builtins\.)?print\) that could run code; if '
     r'you trust .* mmseg-ssr plain-weights .*own.pth OUT.pth --trust'),
])
def test_weights_that_do_not(tmp_path, capsys, content, message):
    path = tmp_path / 'own.pth'
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=message) as error:
        initialize(OwnBackbone(str(path)))
    assert '\n' not in str(error.value)
    assert 'code was run' not in capsys.readouterr().out


def test_a_missing_file_that_only_the_network_names(tmp_path):
    with pytest.raises(MissingFile, match='own.pth is missing'):
        initialize(OwnBackbone(str(tmp_path / 'own.pth')))


def test_a_given_file_is_needed_in_place_of_the_published_one(tmp_path):
    (tmp_path / 'sam.pth').touch()
    check(uda=dict(sam_model_registry='vit_b', sam_checkpoint=str(tmp_path / 'sam.pth')))
    check(uda=dict(regularizer=dict(encoder=dict(checkpoint='shipped'))))


def test_a_file_that_shares_constants_alone_is_of_another_network(tmp_path):
    """Norms begin with ones and zeros, in any network."""
    state = {f'other.{name}': value for name, value in OwnBackbone().state_dict().items()
             if 'norm' in name or 'bn' in name}
    torch.save({**state, 'other.first': torch.randn(4, 4)}, tmp_path / 'own.pth')
    with pytest.raises(CheckpointError, match='none of the weights in .*own.pth fits'):
        initialize(OwnBackbone(str(tmp_path / 'own.pth')))


def test_files_by_the_first_key_that_names_them():
    configs = [Config(dict(model=dict(pretrained='a.pth'), load_from='b.pth')),
               Config(dict(model=dict(backbone=dict(pretrained='a.pth'))))]
    assert weight_files_of(configs) == {'a.pth': 'model.pretrained in None',
                                        'b.pth': 'load_from in None'}
