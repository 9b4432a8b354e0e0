"""A training in miniature: Streets drawn small, the demo's configs with a tiny network."""
from pathlib import Path

import torch
from mmcv import Config

from mmseg_ssr.engine.config.values import dataset_configs
from mmseg_ssr.labels.published import (
    convert_cityscapes,
    convert_crosscity,
    convert_gta,
    convert_mapillary,
    convert_synscapes,
    convert_synthia,
    convert_wilddash,
)
from mmseg_ssr.streets import LAYOUTS, make_streets

ROOT = Path(__file__).resolve().parents[1]
NORM = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
CROP = (32, 32)
SIZE = (64, 32)


def make_data(root: Path) -> Path:
    """Six source, four target and three validation images of 64 x 32, converted."""
    make_streets(root, 6, 4, 3, SIZE, workers=1)
    convert_gta(root / 'gta')
    convert_cityscapes(root / 'cityscapes')
    return root


def make_layouts(root: Path) -> Path:
    """Two images a training split, one every other split, in each layout, converted."""
    make_streets(root, 2, 2, 1, SIZE, workers=1, layouts=LAYOUTS)
    convert_gta(root / 'gta')
    convert_cityscapes(root / 'cityscapes')
    convert_synthia(root / 'synthia')
    convert_crosscity(root / 'NTHU_Datasets')
    convert_synscapes(root / 'synscapes')
    convert_mapillary(root / 'mapillary')
    convert_wilddash(root / 'wilddash')
    return root


def benchmark_data(layouts: Path, name: str) -> Config:
    """The data section of ``configs/_base_/datasets/NAME.py`` over the folder of all layouts."""
    cfg = Config.fromfile(str(ROOT / f'configs/_base_/datasets/{name}.py'))
    for _, dataset in dataset_configs(cfg):
        dataset.data_root = dataset.data_root.replace('data/', f'{layouts}/', 1)
        _shrink(dataset.pipeline)
        if 'crop_pseudo_margins' in dataset:
            dataset.crop_pseudo_margins = [
                margin if isinstance(margin, float) else margin // 16
                for margin in dataset.crop_pseudo_margins]
    if 'rare_class_sampling' in cfg.data.train:
        cfg.data.train.rare_class_sampling.min_pixels = 5
    cfg.data.workers_per_gpu = 0
    return cfg


def _shrink(steps: list) -> None:
    """Sizes of a pipeline by 16: half resolution is then that of the drawn images."""
    for step in steps:
        for key in ('img_scale', 'crop_size', 'size'):
            if key in step:
                step[key] = tuple(side // 16 for side in step[key])
        _shrink(step.get('transforms', []))


def train_steps(labels: bool) -> list:
    return [
        dict(type='LoadImageFromFile'),
        *([dict(type='LoadAnnotations')] if labels else []),
        dict(type='Resize', img_scale=SIZE),
        dict(type='RandomCrop', crop_size=CROP),
        dict(type='RandomFlip', prob=0.5),
        dict(type='Normalize', **NORM),
        dict(type='Pad', size=CROP, pad_val=0, seg_pad_val=255),
        dict(type='DefaultFormatBundle'),
        dict(type='Collect', keys=['img', *(['gt_semantic_seg'] if labels else [])]),
    ]


def test_steps() -> list:
    return [
        dict(type='LoadImageFromFile'),
        dict(type='MultiScaleFlipAug', img_scale=SIZE, flip=False, transforms=[
            dict(type='Resize', keep_ratio=True),
            dict(type='RandomFlip'),
            dict(type='Normalize', **NORM),
            dict(type='ImageToTensor', keys=['img']),
            dict(type='Collect', keys=['img']),
        ])]


test_steps.__test__ = False


def gta(data: Path) -> dict:
    return dict(type='GTADataset', data_root=f'{data}/gta', img_dir='images', ann_dir='labels',
                pipeline=train_steps(labels=True))


def streets_val(data: Path) -> dict:
    return dict(type='CityscapesDataset', data_root=f'{data}/cityscapes',
                img_dir='leftImg8bit/val', ann_dir='gtFine/val', pipeline=test_steps())


def pairs(data: Path) -> dict:
    return dict(
        type='UDADataset', source=gta(data),
        target=dict(type='CityscapesDataset', data_root=f'{data}/cityscapes',
                    img_dir='leftImg8bit/train', pipeline=train_steps(labels=False)),
        rare_class_sampling=dict(min_pixels=16, class_temp=0.1, min_crop_ratio=0.5))


def data_section(data: Path, train: dict) -> dict:
    return dict(samples_per_gpu=2, workers_per_gpu=0, train=train, val=streets_val(data),
                test=streets_val(data))


def tiny_model(type: str = 'EncoderDecoder') -> dict:
    """mmseg's MiT with a block a stage and a DAFormer head of 8 channels."""
    norm = dict(type='BN', requires_grad=True)
    return dict(
        type=type,
        backbone=dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1],
                      num_heads=[1, 2, 5, 8], drop_path_rate=0.1),
        decode_head=dict(
            type='DAFormerHead', in_channels=[8, 16, 40, 64], in_index=[0, 1, 2, 3], channels=8,
            dropout_ratio=0.1, num_classes=19, norm_cfg=norm, align_corners=False,
            decoder_params=dict(
                embed_dims=8, embed_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
                embed_neck_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
                fusion_cfg=dict(type='aspp', sep=True, dilations=(1, 3), pool=False,
                                act_cfg=dict(type='ReLU'), norm_cfg=norm)),
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
        train_cfg=dict(), test_cfg=dict(mode='whole'))


def tiny_regularizer() -> dict:
    return dict(encoder=dict(checkpoint=None, input_size=32, encoder_args=dict(
        embed_dim=12, depth=2, num_heads=2, window_size=2, global_attn_indexes=[1], out_chans=16)))


def schedule(iterations: int) -> dict:
    return dict(
        custom_imports=dict(imports=['mmseg_ssr'], allow_failed_imports=False),
        optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01,
                       paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0)))),
        lr_config=dict(policy='poly', power=1.0, min_lr=0.0, warmup='linear', warmup_iters=2,
                       warmup_ratio=1e-6, by_epoch=False),
        runner=dict(type='IterBasedRunner', max_iters=iterations),
        checkpoint_config=dict(by_epoch=False, interval=2),
        evaluation=dict(interval=100, metric='mIoU'),
        log_config=dict(interval=3, hooks=[dict(type='TextLoggerHook', by_epoch=False)]),
        report=False, log_level='INFO', seed=3, load_from=None, resume_from=None,
        workflow=[('train', 1)],
        dist_params=dict(backend='gloo'))


def method_config(data: Path, iterations: int = 4, **uda) -> dict:
    """Sections of a config that trains by self-training: DACS, or SSR when asked for.

    Half of the pixels of the untrained network pass the threshold, none would pass the published.
    """
    return dict(schedule(iterations), model=tiny_model(), data=data_section(data, pairs(data)),
                uda=dict(dict(type='DACS', alpha=0.99, pseudo_threshold=0.0542), **uda),
                optimizer_config=None)


def ssr_config(data: Path, iterations: int = 4) -> dict:
    """SSR on MIC on DAFormer with the feature distance: every part of the step."""
    return method_config(
        data, iterations, type='SSR', regularizer=tiny_regularizer(),
        imnet_feature_dist_lambda=0.005, mask_mode='separatetrgaug', mask_lambda=1,
        mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=8))


def supervised_config(data: Path, iterations: int = 4, **model) -> dict:
    """Sections of a config that trains a segmentor on the source."""
    return dict(schedule(iterations), model=dict(tiny_model(), **model), optimizer_config=dict(),
                data=data_section(data, gta(data)))


def write_config(path: Path, sections: dict) -> str:
    path.write_text(''.join(f'{key} = {value!r}\n' for key, value in sections.items()))
    return str(path)


def untrained_checkpoint(path: Path, sections: dict, **meta) -> str:
    """A checkpoint as a training of the sections leaves it, of weights that are random.

    Its predictions have several classes: batch norm has seen images, the classifier is wide.
    """
    from mmseg.datasets import CityscapesDataset

    from mmseg_ssr.engine.build import build_test_model
    from mmseg_ssr.engine.checkpoint.files import write_checkpoint
    cfg = Config(sections)
    torch.manual_seed(0)
    network = build_test_model(cfg)
    network.init_weights()
    network.train()
    with torch.no_grad():
        for _ in range(20):
            areas = torch.randn(2, 3, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
            network.encode_decode(areas, None)
    torch.nn.init.normal_(network.decode_head.conv_seg.weight)
    meta = dict(dict(config=cfg.pretty_text, CLASSES=CityscapesDataset.CLASSES,
                     PALETTE=CityscapesDataset.PALETTE, iter=7), **meta)
    write_checkpoint(dict(meta=meta, state_dict=network.state_dict()), str(path))
    return str(path)
