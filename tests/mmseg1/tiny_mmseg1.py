"""A training in miniature through mmseg 1.x: Streets drawn small, a tiny network."""
from pathlib import Path

from mmseg_ssr.labels.published import convert_cityscapes, convert_gta
from mmseg_ssr.migration.schedule import schedulers
from mmseg_ssr.streets import make_streets

ROOT = Path(__file__).resolve().parents[2]
CROP, SIZE = (32, 32), (64, 32)
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
NORM = dict(type='BN', requires_grad=True)
SAM = dict(checkpoint=None, input_size=32, encoder_args=dict(
    embed_dim=12, depth=2, num_heads=2, window_size=2, global_attn_indexes=[1], out_chans=16))
MIC = dict(mask_mode='separatetrgaug', mask_lambda=1,
           mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=8))


def make_data(root: Path) -> Path:
    """Six source, four target and three validation images of 64 x 32, converted."""
    make_streets(root, 6, 4, 3, SIZE, workers=1)
    convert_gta(root / 'gta')
    convert_cityscapes(root / 'cityscapes')
    return root


def steps(labels: bool, train: bool = True) -> list:
    return [
        dict(type='LoadImageFromFile'),
        *([dict(type='LoadAnnotations')] if labels and train else []),
        dict(type='Resize', scale=SIZE, keep_ratio=True),
        *([dict(type='RandomCrop', crop_size=CROP), dict(type='RandomFlip', prob=0.5)]
          if train else [dict(type='LoadAnnotations')]),
        dict(type='PackSegInputs')]


def gta(data: Path) -> dict:
    return dict(type='GTADataset', data_root=f'{data}/gta', pipeline=steps(labels=True),
                data_prefix=dict(img_path='images', seg_map_path='labels'))


def cityscapes(data: Path, split: str, pipeline: list) -> dict:
    return dict(type='CityscapesDataset', data_root=f'{data}/cityscapes', pipeline=pipeline,
                data_prefix=dict(img_path=f'leftImg8bit/{split}', seg_map_path=f'gtFine/{split}'))


def pairs(data: Path, **options) -> dict:
    return dict(dict(
        type='UDADataset', source=gta(data),
        target=cityscapes(data, 'train', steps(labels=False)), length=64,
        rare_class_sampling=dict(min_pixels=16, class_temp=0.1, min_crop_ratio=0.5)), **options)


def preprocessor() -> dict:
    return dict(type='SegDataPreProcessor', mean=MEAN, std=STD, bgr_to_rgb=True, pad_val=0,
                seg_pad_val=255, size=CROP)


def tiny_model(type: str = 'EncoderDecoder', **options) -> dict:
    """mmseg's MiT with a block a stage and a DAFormer head of 8 channels."""
    return dict(
        type=type,
        backbone=dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1],
                      num_heads=[1, 2, 5, 8], drop_path_rate=0.1),
        decode_head=dict(
            type='DAFormerHead', in_channels=[8, 16, 40, 64], in_index=[0, 1, 2, 3], channels=8,
            dropout_ratio=0.1, num_classes=19, norm_cfg=NORM, align_corners=False,
            decoder_params=dict(
                embed_dims=8, embed_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
                embed_neck_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
                fusion_cfg=dict(type='aspp', sep=True, dilations=(1, 3), pool=False,
                                act_cfg=dict(type='ReLU'), norm_cfg=NORM))),
        train_cfg=dict(), test_cfg=dict(mode='whole'), **options)


def method(**keys) -> dict:
    """Config of a method: DACS, or another one when asked for.

    Half of the pixels of the untrained network pass the threshold, none would pass the published.
    """
    return dict(dict(type='DACS', model=tiny_model(), data_preprocessor=preprocessor(), alpha=0.99,
                     pseudo_threshold=0.0542), **keys)


def ssr(**keys) -> dict:
    """SSR on MIC with the feature distance: every part of the step."""
    return method(type='SSR', regularizer=dict(encoder=SAM), imnet_feature_dist_lambda=0.005,
                  **MIC, **keys)


def sections(data: Path, model: dict, iterations: int = 4, train: dict = None,
             batch: int = 2) -> dict:
    """The sections of a config for mmengine's runner."""
    val = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
               dataset=cityscapes(data, 'val', steps(labels=True, train=False)))
    metric = dict(type='IoUMetric', iou_metrics=['mIoU'])
    return dict(
        custom_imports=dict(imports=['mmseg_ssr'], allow_failed_imports=False),
        default_scope='mmseg', model=model, randomness=dict(seed=3), log_level='INFO',
        env_cfg=dict(cudnn_benchmark=False, dist_cfg=dict(backend='gloo')),
        train_dataloader=dict(
            batch_size=batch, num_workers=0, dataset=pairs(data) if train is None else train,
            sampler=dict(type='InfiniteSampler', shuffle=False)),
        test_pipeline=steps(labels=False, train=False),
        val_dataloader=val, test_dataloader=val, val_evaluator=metric, test_evaluator=metric,
        optim_wrapper=dict(
            type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01),
            paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0)))),
        param_scheduler=schedulers(dict(policy='poly', warmup='linear', warmup_iters=2,
                                        warmup_ratio=1e-6), iterations),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations),
        val_cfg=dict(type='ValLoop'), test_cfg=dict(type='TestLoop'),
        custom_hooks=[dict(type='TrainingStateHook')],
        log_processor=dict(by_epoch=False), default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2),
            visualization=dict(type='SegVisualizationHook')),
        vis_backends=[dict(type='LocalVisBackend')],
        visualizer=dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')],
                        name='visualizer'),
        tta_pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='TestTimeAug', transforms=[
                [dict(type='Resize', scale_factor=r, keep_ratio=True) for r in (1.0, 1.5)],
                [dict(type='RandomFlip', prob=0., direction='horizontal'),
                 dict(type='RandomFlip', prob=1., direction='horizontal')],
                [dict(type='LoadAnnotations')], [dict(type='PackSegInputs')]])],
        tta_model=dict(type='SegTTAModel'))


def write_config(path: Path, config: dict) -> str:
    path.write_text(''.join(f'{key} = {value!r}\n' for key, value in config.items()))
    return str(path)
