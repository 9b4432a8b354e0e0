"""The benchmarks' configs: data sections that load the true layouts, and published settings."""
import pytest
import tiny_training
from mmcv import Config

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.config.values import dataset_configs
from mmseg_ssr.errors import MissingFile

ROOT = tiny_training.ROOT
#: Benchmark -> (data section, images of the source, of the target and for the score).
SECTIONS = {
    'uda_synthia_to_cityscapes_512x512': (2, 2, 1),
    'uda_synthiaHR_to_cityscapesHR_1024x1024': (2, 2, 1),
    'uda_cityscapes_to_acdc_512x512': (2, 8, 4),
    'uda_cityscapesHR_to_acdcHR_1024x1024': (2, 8, 4),
    'uda_cityscapes_to_darkzurich_512x512': (2, 2, 1),
    'uda_cityscapesHR_to_darkzurichHR_1024x1024': (2, 2, 1),
    'uda_cityscapes_to_crosscity_512x512': (2, 2, 1),
    'uda_own_512x512': (2, 2, 1),
    'uda_own_small': (2, 2, 1),
}
#: Data section of training with labels -> (images that are trained on, that are scored).
SUPERVISED = {
    'synthia_to_cityscapes_512x512': (2, 1),
    'cityscapes_512x512': (2, 1),
    'cityscapes_to_acdc_512x512': (2, 4),
    'acdc_512x512': (8, 4),
    'cityscapes_to_darkzurich_512x512': (2, 1),
    'cityscapes_to_crosscity_512x512': (2, 1),
    'own_source_512x512': (2, 1),
}
CITIES = ('rome', 'rio', 'tokyo', 'taipei')


def section(name):
    return Config.fromfile(str(ROOT / f'configs/_base_/datasets/{name}.py'))


def read(path):
    cfg = load_config(str(ROOT / f'configs/{path}.py'))
    validate(cfg)
    return cfg


@pytest.mark.parametrize('name', SECTIONS)
def test_data_sections_load(layouts, name):
    cfg = tiny_training.benchmark_data(layouts, name)
    pairs = build_dataset(cfg.data.train, need_labels=False)
    score = build_dataset(cfg.data.val, test_mode=True)
    assert (len(pairs.source), len(pairs.target), len(score)) == SECTIONS[name]
    crop = 32 if '512' in name else 64 if '1024' in name else 8
    assert tuple(pairs[0]['img'].data.shape[1:]) == (crop, crop)
    assert pairs[0]['target_img'].data.shape == pairs[0]['img'].data.shape
    label = score.get_gt_seg_map_by_idx(0)
    label[label == 255] = 0
    results = [score.pre_eval(label, 0)[0]]
    if len(score) == 1:
        values = score.evaluate(results, 'mIoU', 'silent')
        assert values['mIoU'] > 0.5 and ('mIoU16' in values) == ('synthia' in name)


@pytest.mark.parametrize('name', SUPERVISED)
def test_data_sections_of_the_bounds_load(layouts, name):
    cfg = tiny_training.benchmark_data(layouts, name)
    train = build_dataset(cfg.data.train)
    score = build_dataset(cfg.data.val, test_mode=True)
    assert (len(train), len(score)) == SUPERVISED[name]
    sample = train[0]
    assert tuple(sample['img'].data.shape[1:]) == (32, 32)
    assert sample['gt_semantic_seg'].data.shape == (1, 32, 32)
    classes = len(train.CLASSES)
    assert classes == len(score.CLASSES) == (
        13 if 'crosscity' in name else 7 if 'own' in name else 19)
    values = sample['gt_semantic_seg'].data.unique().tolist()
    assert set(values) <= {*range(classes), 255} and min(values) < 255


def test_the_oracle_on_your_own_data_asks_for_labels(layouts):
    cfg = tiny_training.benchmark_data(layouts, 'own_target_512x512')
    with pytest.raises(MissingFile, match='labels/train'):
        build_dataset(cfg.data.train)


@pytest.mark.parametrize('benchmark, oracle', [
    ('gta2cs', 'cs_oracle_mitb5'), ('synthia2cs', 'cs_oracle_synthia_classes_mitb5'),
    ('cs2acdc', 'acdc_oracle_mitb5'), ('cs2darkzurich', None), ('own2own', 'own_oracle_mitb5'),
    *((f'cs2{city}', None) for city in CITIES)])
def test_the_bounds_are_scored_as_the_method(benchmark, oracle):
    method = read(f'daformer/{benchmark}_daformer_mitb5')
    bounds = [read(f'daformer/{name}') for name in (f'{benchmark}_source_only_mitb5', oracle)
              if name]
    source, target = method.data.train.source, method.data.train.target
    for bound, data in zip(bounds, (source, target)):
        assert bound.data.val == method.data.val and bound.data.test == method.data.test
        assert (bound.model, bound.runner) == (method.model, method.runner)
        train = bound.data.train
        assert (train.type, train.data_root, train.img_dir) == (
            data.type, data.data_root, data.img_dir)
        assert train.ann_dir and train.pipeline[2].img_scale == next(
            step.img_scale for step in data.pipeline if step.type == 'Resize')


@pytest.mark.parametrize('hr, crop, source, target, ratio', [
    ('', 512, (1024, 512), (960, 540), 0.5), ('HR', 1024, (2048, 1024), (1920, 1080), 2.0)])
def test_published_sizes(hr, crop, source, target, ratio):
    for name in ('acdc', 'darkzurich'):
        cfg = section(f'uda_cityscapes{hr}_to_{name}{hr}_{crop}x{crop}')
        train = cfg.data.train
        assert (train.source.pipeline[2].img_scale, train.target.pipeline[1].img_scale) == (
            source, target)
        assert train.target.pipeline[2].crop_size == (crop, crop)
        assert cfg.data.val.pipeline[1].img_scale == target
        assert train.rare_class_sampling == dict(
            min_pixels=3000, class_temp=0.01, min_crop_ratio=ratio)
        assert 'crop_pseudo_margins' not in train.target and 'ann_dir' not in train.target
    cfg = section(f'uda_synthia{hr}_to_cityscapes{hr}_{crop}x{crop}')
    assert cfg.data.train.source.pipeline[2].img_scale == tuple(
        side * (2 if hr else 1) for side in (1280, 760))
    assert cfg.data.train.target.get('crop_pseudo_margins') == ([30, 240, 30, 30] if hr else None)
    assert cfg.data.train.rare_class_sampling.min_crop_ratio == ratio


@pytest.mark.parametrize('path, mode, block', [
    ('mic/synthia2cs_mic_hrda_mitb5', 'separatetrgaug', 64),
    ('mic/cs2acdc_mic_hrda_mitb5', 'separate', 64),
    ('mic/cs2darkzurich_mic_hrda_mitb5', 'separate', 64)])
def test_published_masks(path, mode, block):
    uda = read(path).uda
    assert uda.mask_mode == mode
    assert uda.mask_generator == dict(type='block', mask_ratio=0.7, mask_block_size=block)


@pytest.mark.parametrize('path', ['daformer/{}_daformer_mitb5', 'sam/{}_daformer_sam_vit_b'])
def test_margins_are_cityscapes_alone(path):
    for name in ('synthia2cs', 'cs2acdc', 'cs2darkzurich', 'own2own', *(f'cs2{c}' for c in CITIES)):
        uda = read(path.format(name)).uda
        margins = (15, 120) if name == 'synthia2cs' else (0, 0)
        assert (uda.pseudo_weight_ignore_top, uda.pseudo_weight_ignore_bottom) == margins
        assert uda.type == ('SSR' if path.startswith('sam') else 'DACS')


@pytest.mark.parametrize('city', CITIES)
def test_a_city_is_the_target_everywhere(city):
    for path in (f'daformer/cs2{city}_daformer_mitb5', f'sam/cs2{city}_daformer_sam_vit_b'):
        cfg = read(path)
        roots = {path: dataset.data_root for path, dataset in dataset_configs(cfg)}
        assert roots.pop('data.train.source') == 'data/cityscapes/'
        assert set(roots.values()) == {f'data/NTHU_Datasets/{city.capitalize()}/'}
        assert cfg.model.decode_head.num_classes == len(cfg.data.val.classes) == 13
        things = [cfg.data.val.classes[i] for i in cfg.uda.imnet_feature_dist_classes]
        assert things == ['traffic light', 'traffic sign', 'person', 'rider', 'car', 'bus',
                          'motorcycle', 'bicycle']


def test_a_wrong_class_table_is_found_in_the_config():
    cfg = load_config(str(ROOT / 'configs/demo/own_data.py'), {
        'data.train.source.classes.0.ids': [11]})
    with pytest.raises(ValueError, match="own_data.py: data.train.source: classes 'ground' and "
                                         "'building' both have id 11"):
        validate(cfg)
