"""The keys of SARFormer in a config: parts of the head, regions and boxes."""
import pytest
import tiny_training
from mmcv import Config
from tiny_networks import MASKS, RESNET

from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.config.values import dataset_configs, steps_of
from mmseg_ssr.errors import ConfigError


@pytest.fixture
def sections(tmp_path):
    sections = tiny_training.supervised_config(tmp_path)
    sections['model'] = dict(
        type='SARFormer', backbone=RESNET,
        decode_head=dict(MASKS, type='SARFormerHead', pool_from='mask_features'),
        regions=dict(type='sam', checkpoint=None, boxes=dict(type='torchvision', checkpoint=None)),
        train_cfg=dict(), test_cfg=dict(mode='whole'))
    return sections


def check(sections, **changes):
    cfg = Config(sections, filename=None)
    cfg.merge_from_dict(changes)
    validate(cfg)


def test_valid_keys_pass(sections):
    check(sections)
    check(sections, **{'model.decode_head.pixel_decoder.num_points': 2})


@pytest.mark.parametrize('key, value, message', [
    ('decode_head.pixel_decoder.num_layer', 2, "unknown key model.decode_head.pixel_decoder."
                                               "num_layer, did you mean 'num_layers'"),
    ('decode_head.transformer_decoder.heads', 2, "transformer_decoder.heads"),
    ('decode_head.losses.num_point', 2, "did you mean 'num_points'"),
    ('decode_head.losses.num_classes', 3, 'unknown key model.decode_head.losses.num_classes'),
    ('decode_head.pixel_decoder.width', 3, 'unknown key model.decode_head.pixel_decoder.width'),
    ('decode_head.losses.num_points', 'many', 'model.decode_head.losses.num_points must be'),
    ('decode_head.num_queries', 0, 'decode_head.num_queries must be an integer of at least 1'),
    ('decode_head.pixel_decoder.num_points', 0, 'pixel_decoder.num_points must be an integer of'),
    ('regions.points_per_side', 0, 'model.regions.points_per_side must be an integer of at least'),
    ('decode_head.poolfrom', 'context', "did you mean 'pool_from'"),
    ('regions.type', 'smm', r"regions.type must be one of \['mini', 'none', 'sam'\], got 'smm'"),
    ('regions.points_per_sid', 8, "unknown key model.regions.points_per_sid, did you mean "
                                  "'points_per_side'"),
    ('regions.points_per_side', 'all', 'model.regions.points_per_side must be'),
    ('regions.boxes.scor', 0.5, "unknown key model.regions.boxes.scor, did you mean 'score'"),
    ('regions.boxes.type', 'yolo', 'regions.boxes.type must be one of')])
def test_wrong_keys_and_values_are_named(sections, key, value, message):
    with pytest.raises(ConfigError, match=message):
        check(sections, **{f'model.{key}': value})


@pytest.mark.parametrize('kind', ['EncoderDecoder', 'Mask2Former', 'SSREncoderDecoder',
                                  'HRDAEncoderDecoder'])
@pytest.mark.parametrize('with_regions', [True, False])
def test_other_segmentors_have_no_regions(sections, kind, with_regions):
    sections['model']['type'] = kind
    if not with_regions:
        del sections['model']['regions']
    with pytest.raises(ConfigError) as caught:
        check(sections)
    assert str(caught.value).splitlines()[0].endswith(
        "model.type must be 'SARFormer' for SARFormerHead, which needs the regions of the images, "
        f"got '{kind}'")
    assert 'model.regions' not in str(caught.value)


@pytest.mark.parametrize('kind', ['sam', 'mini', 'none'])
def test_regions_undo_the_normalization_of_the_data(sections, kind):
    sections['model']['regions'] = dict(type=kind, **dict(checkpoint=None) if kind == 'sam' else {})
    steps = {f'{place}.mean': [0, 0, 0] for path, dataset in dataset_configs(Config(sections))
             for place, step in steps_of(dataset['pipeline'], f'{path}.pipeline')
             if step['type'] == 'Normalize'}
    if kind == 'none':
        check(sections, **steps)
        return
    with pytest.raises(ConfigError, match=r'model.regions.mean must be \[0.0, 0.0, 0.0\], by '
                                          r'which data.train normalizes .*got \[123.675'):
        check(sections, **steps)
    check(sections, **steps, **{'model.regions.mean': [0, 0, 0]})


def test_a_segmentor_without_its_regions_is_told(sections):
    del sections['model']['regions']
    with pytest.raises(ConfigError, match=r'model \(SARFormer\) needs the key regions'):
        check(sections)


BEIT = dict(type='BEiTAdapter', img_size=(32, 64))  # images of the tests are 64 x 32
TRAIN, VAL = 'data.train.pipeline', 'data.val.pipeline.1'
SLIDE = dict(mode='slide', crop_size=(32, 64), stride=(32, 32))


@pytest.fixture
def one_size(sections):
    """A config whose backbone takes images of one size only, which crops and tests have."""
    sections['model']['backbone'] = BEIT
    return sections


def test_images_of_the_only_size_pass(one_size):
    check(one_size)  # its crops are smaller
    check(one_size, **{'model.test_cfg': SLIDE, f'{VAL}.img_scale': (128, 64)})
    check(one_size, **{f'{VAL}.img_scale': (32, 64)})
    check(one_size, **{f'{VAL}.img_scale': [(32, 64), (30, 60)]})


@pytest.mark.parametrize('key, value, message', [
    (f'{TRAIN}.6.size', (64, 64), r'data.train.pipeline.6.size must be at most \(32, 64\), the '
                                  r'img_size of model.backbone, got \(64, 64\)'),
    (f'{VAL}.img_scale', (128, 64), r"img_scale \(128, 64\) may give images that are larger than "
                                    r"\(32, 64\).*mode='slide', crop_size=\(32, 64\)"),
    (f'{VAL}.img_scale', [(64, 32), (72, 32)], r'img_scale \(72, 32\) may give'),
    (f'{VAL}.img_ratios', [0.5, 1.5], r'img_scale \(64, 32\) may give images that are larger'),
    ('model.backbone.interaction_indexes', [0, 1, 2, 3], 'must be a list of lists, got'),
    ('model.backbone.img_size', 100, r'img_size must be one or two multiples of 32, got \[100, 10'),
    ('model.backbone.img_size', [32, 32, 32], 'img_size must be one or two multiples of 32'),
    ('model.backbone.img_size', 32, r'img_scale \(64, 32\) may give .* than \(32, 32\)')])
def test_images_of_another_size_are_refused(one_size, key, value, message):
    with pytest.raises(ConfigError, match=message):
        check(one_size, **{key: value})


def test_crops_of_domain_adaptation_have_the_only_size(one_size, tmp_path):
    sections = dict(tiny_training.method_config(tmp_path), model=one_size['model'])
    source, target = 'data.train.source.pipeline.6.size', 'data.train.target.pipeline.5.size'
    with pytest.raises(ConfigError) as caught:
        check(sections)
    for key in (source, target):
        assert (f'{key} must be (32, 64), the img_size of model.backbone, got (32, 32)'
                in str(caught.value))
    check(sections, **{source: (32, 64), target: (32, 64)})
