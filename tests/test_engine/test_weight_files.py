import pytest
from mmcv import Config

from mmseg_ssr.engine.weight_files import check_weight_files
from mmseg_ssr.errors import MissingFile


def check(model=None, uda=None):
    cfg = Config(dict(model=model or {}), filename=None)
    if uda:
        cfg.uda = uda
    check_weight_files(cfg)


def test_nothing_to_look_for():
    check(dict(pretrained=None, backbone=dict(pretrained='torchvision://resnet50')),
          dict(regularizer=dict(encoder=dict(checkpoint=None))))


def test_files_that_are_there(tmp_path):
    (tmp_path / 'mit_b5.pth').touch()
    check(dict(pretrained=str(tmp_path / 'mit_b5.pth')))


@pytest.mark.parametrize('model, uda, message', [
    (dict(pretrained='nowhere/mit_b5.pth'), None,
     r'nowhere/mit_b5.pth \(model.pretrained .*put it there, it is published at .*SegFormer'),
    (dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='nowhere/own.pth'))), None,
     r'nowhere/own.pth \(model.backbone.init_cfg.checkpoint .*put it there$'),
    (None, dict(sam_model_registry='vit_l'),
     r'sam_vit_l_0b3195.pth \(uda.sam_model_registry .*published at '
     r'https://dl.fbaipublicfiles.com/segment_anything/sam_vit_l_0b3195.pth'),
    (None, dict(sam_model_registry='vit_b', sam_checkpoint='nowhere/sam.pth'),
     r'nowhere/sam.pth \(uda.sam_checkpoint'),
    (None, dict(regularizer=dict(encoder=dict(checkpoint='nowhere/sam_vit_b_01ec64.pth'))),
     r'uda.regularizer.encoder.checkpoint .*published at https://dl.fbai'),
])
def test_a_missing_file_says_which_where_and_from_where(model, uda, message):
    with pytest.raises(MissingFile, match=message) as error:
        check(model, uda)
    assert '\n' not in str(error.value)
