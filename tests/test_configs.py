"""Every shipped config is valid and builds, the full-size ones without memory for their weights."""
from pathlib import Path

import pytest
import torch

from mmseg_ssr.engine.build import build_test_model, build_training_model
from mmseg_ssr.engine.config import experiment_name, load_config, max_iterations
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.engine.config.values import dataset_configs, head_classes
from mmseg_ssr.labels.cityscapes import SIXTEEN, THIRTEEN
from mmseg_ssr.methods import DACS, SSR
from mmseg_ssr.uda.losses.regularization_keys import SAM_CHECKPOINTS

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / 'configs').rglob('*.py')
                 if '_base_' not in path.parts)
FULL_SIZE = [path for path in CONFIGS if not path.startswith('configs/demo')]


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    monkeypatch.chdir(ROOT)


def read(path):
    return load_config(path)


def test_there_are_configs():
    assert len(CONFIGS) >= 9 and len(FULL_SIZE) >= 6


@pytest.mark.parametrize('path', CONFIGS)
def test_it_is_valid(path):
    cfg = read(path)
    validate(cfg)
    assert cfg.custom_imports.imports == ['mmseg_ssr']
    assert max_iterations(cfg) > 0
    splits = {name.split('.')[1] for name, _ in dataset_configs(cfg)}
    assert splits == {'train', 'val', 'test'}


def test_names_are_unique():
    names = [experiment_name(read(path)) for path in CONFIGS]
    assert len(set(names)) == len(names)


def without_files(cfg):
    """No pretrained weights, a small random encoder, fewer blocks where the widths stay."""
    cfg.model.pretrained = None
    if cfg.model.backbone.type == 'FoundationBackbone':
        hierarchical = len(cfg.model.backbone.get('layers', (-1, ))) > 1
        cfg.model.backbone.model_args = (
            dict(depths=(1, 1, 1, 1)) if hierarchical else dict(depth=1))
    if cfg.model.backbone.type == 'mit_b5':
        cfg.model.backbone.type = 'mit_b1'  # as wide, a fifth of the blocks
    if cfg.model.backbone.type == 'BEiTAdapter':  # as wide, a third of the blocks or fewer
        cfg.model.backbone.update(pretrained=None, num_layers=4,
                                  interaction_indexes=[[i, i] for i in range(4)])
    if cfg.model.backbone.type == 'DINOv2Adapter':  # one block for each interaction
        cfg.model.backbone.model_args = dict(depth=4)
    if cfg.model.get('regions'):
        cfg.model.regions = dict(type='none')
    uda = cfg.get('uda') or {}
    if uda.get('foundation_distance_encoder'):
        uda.foundation_distance_encoder.update(checkpoint=None, model_args=dict(depth=1))
    small = dict(checkpoint=None, input_size=32, encoder_args=dict(
        embed_dim=12, depth=1, num_heads=2, window_size=2, global_attn_indexes=[0]))
    if uda.get('sam_model_registry'):
        uda.regularizer = dict(stages=uda.pop('stop_stage'), encoder=small)
        del uda['sam_model_registry']
        uda.pop('sam_checkpoint', None)
    elif uda.get('regularizer'):
        uda.regularizer.encoder = small
    if uda.get('pseudo_label_encoder'):
        uda.pseudo_label_encoder = small


@pytest.fixture
def no_random_weights(monkeypatch):
    """Leaves out what takes half the time of building a network of full size."""
    for name in ('uniform_', 'normal_', 'erfinv_'):
        monkeypatch.setattr(torch.Tensor, name, lambda tensor, *args, **options: tensor)


@pytest.mark.parametrize('path', CONFIGS)
def test_it_builds(path, no_random_weights):
    cfg = read(path)
    without_files(cfg)
    uda = cfg.get('uda') or {}
    model = build_training_model(cfg, seed=0)
    student = model.model if isinstance(model, DACS) else model
    assert set(student.state_dict()) == set(build_test_model(cfg).state_dict())
    assert isinstance(model, SSR) == (uda.get('type') == 'SSR')


#: Folders of papers that train otherwise than DAFormer and its successors.
OTHERS = ('vfm', 'minent', 'advseg', 'maxsquare', 'camvid', 'sarformer')


@pytest.mark.parametrize('path', [
    path for path in FULL_SIZE if Path(path).parent.name not in OTHERS])
def test_the_papers_setting(path):
    cfg = read(path)
    resnet = 'r101' in path or 'dlv2' in path
    assert cfg.model.backbone.type == ('ResNetV1c' if resnet else 'mit_b5')
    assert cfg.model.pretrained == 'pretrained/' + (
        'resnet101_v1c-e67eebb6.pth' if resnet else 'mit_b5.pth')
    assert cfg.optimizer.lr == 6e-5 and cfg.optimizer.weight_decay == 0.01
    assert cfg.optimizer.paramwise_cfg.custom_keys == dict(
        head=dict(lr_mult=10.0), pos_block=dict(decay_mult=0.0), norm=dict(decay_mult=0.0))
    assert max_iterations(cfg) == 40000 and cfg.data.samples_per_gpu == 2
    assert (cfg.lr_config.warmup_iters, cfg.lr_config.warmup_ratio, cfg.lr_config.power) == (
        1500, 1e-6, 1.0)
    assert cfg.crop_size == ((1024, 1024) if 'hrda' in path else (512, 512))


@pytest.mark.parametrize('path', ['configs/sam/daformer_sam_vit_b.py',
                                  'configs/sam/daformer_mic_sam_vit_b.py',
                                  'configs/sam/daformer_mobilesam.py',
                                  'configs/sam/daformer_mic_mobilesam.py',
                                  'configs/daformer/gta2cs_daformer_mitb5.py',
                                  'configs/mic/gta2cs_mic_daformer_mitb5.py'])
def test_the_papers_methods(path):
    cfg = read(path)
    uda = cfg.uda
    assert (uda.alpha, uda.pseudo_threshold) == (0.999, 0.968)
    assert (uda.pseudo_weight_ignore_top, uda.pseudo_weight_ignore_bottom) == (15, 120)
    assert uda.imnet_feature_dist_lambda == 0.005
    assert uda.imnet_feature_dist_classes == [6, 7, 11, 12, 13, 14, 15, 16, 17, 18]
    assert uda.imnet_feature_dist_scale_min_ratio == 0.75
    assert cfg.data.train.rare_class_sampling == dict(
        min_pixels=3000, class_temp=0.01, min_crop_ratio=0.5)
    assert cfg.get('optimizer_config') is None
    if 'sam/' in path:
        variant, file = (('vit_t', 'mobile_sam.pt') if 'mobilesam' in path
                         else ('vit_b', 'sam_vit_b_01ec64.pth'))
        assert uda.type == 'SSR' and uda.sam_model_registry == variant
        assert uda.sam_checkpoint == SAM_CHECKPOINTS[variant] == f'pretrained/{file}'
        assert list(uda.stop_stage) == [0, 1, 2, 3]
    if 'mic' in path:
        assert uda.mask_mode == 'separatetrgaug' and uda.mask_lambda == 1
        assert uda.mask_generator == dict(type='block', mask_ratio=0.7, mask_block_size=32)


def test_the_form_with_distillation_differs_in_ssr_alone():
    paper, distilled = (read(f'configs/sam/daformer_sam_vit_b{form}.py')
                        for form in ('', '_distilled'))
    assert distilled.uda.regularizer.encoder.checkpoint == paper.uda.sam_checkpoint
    for key in {*paper.uda, *distilled.uda}:
        old, new = paper.uda.get(key), distilled.uda.get(key)
        assert (old == new) == (key not in (
            'sam_model_registry', 'sam_checkpoint', 'stop_stage', 'regularizer', 'mixed_maps',
            'distillation_weight', 'pseudo_label_branch', 'running_statistics')), key
    for key in ('uda', 'name'):
        paper.pop(key), distilled.pop(key)
    assert dict(paper) == dict(distilled)


@pytest.mark.parametrize('path', [path for path in CONFIGS if Path(path).parent.name in (
    'minent', 'advseg', 'maxsquare')])
def test_the_setting_of_losses_on_target_predictions(path):
    cfg = read(path)
    assert (cfg.optimizer.type, cfg.optimizer.lr, cfg.optimizer.weight_decay) == (
        'SGD', 2.5e-4, 5e-4)
    assert cfg.optimizer.paramwise_cfg.custom_keys == dict(head=dict(lr_mult=10.0))
    assert cfg.lr_config.power == 0.9 and cfg.data.samples_per_gpu == 1
    two_stages = path.startswith('configs/maxsquare')
    second_stage = two_stages and '_source' not in path
    iterations, horizon = (
        (29750, None) if second_stage else (80000, 200000) if two_stages else
        (120000 if 'minent' in path else 150000, 250000))
    assert (max_iterations(cfg), cfg.lr_config.get('horizon')) == (iterations, horizon)
    assert (cfg.load_from is not None) == second_stage
    multi = 'multi' in path or not two_stages
    assert (cfg.model.auxiliary_head is not None) == multi
    assert not multi or cfg.model.auxiliary_head.loss_decode.loss_weight == 0.1
    flips = [cfg.data[split].pipeline[1].flip for split in ('val', 'test')]
    assert flips == [False, two_stages]
    if second_stage and cfg.uda.type == 'MaxSquare':
        assert cfg.uda.lambda_max_square == (0.09 if multi else 0.1)
        assert cfg.uda.image_wise_ratio == (0.2 if '_iw' in path else None)
        assert cfg.uda.guidance_weight == (0.1 if multi else 0)
    elif second_stage:
        assert (cfg.uda.type, cfg.uda.lambda_ent) == ('MinEnt', 0.001)


@pytest.mark.parametrize('path, classes, source, target', [
    ('gta2cs_source', 19, (1280, 720), (1024, 512)),
    ('gta2cs_maxsquare_iw_multi', 19, (1280, 720), (1280, 640)),
    *((f'synthia2cs_{name}', 16, (1280, 760), (1024, 512)) for name in (
        'source', 'source_multi', 'minent_two_stages', 'maxsquare', 'maxsquare_iw_multi')),
    *((f'cs2{city}', 13, (1024, 512), (1024, 512)) for city in (
        'crosscity_source', 'rome_maxsquare', 'rio_maxsquare_iw', 'tokyo_maxsquare',
        'taipei_maxsquare_iw'))])
def test_classes_and_image_sizes_of_maxsquare(path, classes, source, target):
    cfg = read(f'configs/maxsquare/{path}_dlv2red_r101.py')
    train = cfg.data.train
    assert (train.source.pipeline[2].img_scale, train.target.pipeline[1].img_scale) == (
        source, target)
    assert train.rare_class_sampling is None and 'ann_dir' not in train.target
    assert all(step.type != 'RandomCrop' for step in train.source.pipeline + train.target.pipeline)
    assert {count for _, count in head_classes(cfg)} == {classes}
    if classes < 19:
        groups = [dataset.classes for _, dataset in dataset_configs(cfg)]
        assert all(tuple(group) == (SIXTEEN if classes == 16 else THIRTEEN) for group in groups)
    assert cfg.data.test.pipeline[1].img_scale == (1024, 512)


@pytest.mark.parametrize('size, width', [('b', 768), ('l', 1024)])
def test_the_setting_of_vfm_uda(size, width):
    cfg = read(f'configs/vfm/gta2cs_vfmuda_dinov2_{size}.py')
    assert cfg.optimizer.lr == pytest.approx(5e-5 * 8 ** 0.5 / 10, rel=1e-3)
    assert cfg.optimizer.paramwise_cfg.custom_keys == dict(head=dict(lr_mult=10.0))
    assert cfg.data.samples_per_gpu == 8 and max_iterations(cfg) == 40000
    assert cfg.model.decode_head.in_channels == width and cfg.model.backbone.input_scale == 1.1
    assert (cfg.uda.alpha, cfg.uda.pseudo_threshold, cfg.uda.imnet_feature_dist_lambda) == (
        0.999, 0.968, 0)
    assert cfg.uda.mask_generator == dict(type='block', mask_ratio=0.7, mask_block_size=64)
    assert cfg.data.train.rare_class_sampling == dict(
        min_pixels=3000, class_temp=0.05, min_crop_ratio=2.0)


@pytest.mark.parametrize('path', [path for path in CONFIGS if 'ade20k' in path])
def test_the_setting_of_sarformer(path):
    cfg = read(path)
    large, ours = 'large' in path, 'sarformer_' in path
    assert (cfg.optimizer.lr, cfg.optimizer.weight_decay) == (2e-5, 0.05)
    assert 'paramwise_cfg' not in cfg.optimizer and 'warmup' not in cfg.lr_config
    assert cfg.optimizer_config.grad_clip.max_norm == 0.01 and cfg.lr_config.power == 0.9
    assert max_iterations(cfg) == 160000 and cfg.data.samples_per_gpu == 1
    assert {count for _, count in head_classes(cfg)} == {150}
    assert cfg.data.train.pipeline[1].reduce_zero_label
    model = cfg.model
    assert model.test_cfg == dict(mode='slide', crop_size=(640, 640), stride=(426, 426))
    assert model.backbone.init_values == (1e-6 if large else 0.1)
    assert (model.auxiliary_head is None) == large
    assert model.type == ('SARFormer' if ours else 'Mask2Former')
    if ours:
        assert (model.decode_head.pool_from, model.decode_head.first_attention) == (
            'context', 'outside')
        assert model.regions.variant == 'vit_b'


def test_the_permissive_recipes_name_no_non_commercial_part():
    for path in ('configs/vfm/gta2cs_ssr_dinov2_b.py', 'configs/vfm/gta2cs_ssr_convnext_b.py'):
        text = read(path).pretty_text
        assert 'mit_b' not in text and 'SegformerHead' not in text and 'dinov3' not in text


def test_target_labels_are_not_asked_for():
    assert 'ann_dir' not in read('configs/sam/daformer_sam_vit_b.py').data.train.target


def test_the_demos_encoder_comes_with_the_package():
    assert read('configs/demo/daformer_ssr.py').uda.regularizer.encoder == dict(
        variant='mini', checkpoint='shipped', input_size=128)


def test_seeds_reproduce():
    for path in CONFIGS:
        assert not read(path).get('cudnn_benchmark')


def test_the_full_size_student_has_the_published_size():
    model = build_test_model(read('configs/sam/daformer_sam_vit_b.py'))
    parameters = sum(p.numel() for p in model.parameters())
    assert 84e6 < parameters < 87e6
