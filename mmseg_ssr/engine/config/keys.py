"""The config keys that go to no constructor of this package: their kinds and meanings.

:mod:`~mmseg_ssr.engine.config.components` checks configs against the kinds.
``tools/make_reference.py`` writes kinds and meanings into docs/config.md. The keys of registered
classes are documented there from their signatures and docstrings.
"""
from typing import Any, Dict, NamedTuple, Optional, Tuple


class Key(NamedTuple):
    """The kind of value that a key takes, its meaning in Markdown, and its inclusive bounds.

    A kind of None is not checked. The value None of a key stands for its default.
    """

    kind: Any
    meaning: str
    least: Optional[int] = None
    most: Optional[int] = None


Keys = Dict[str, Key]

#: Keys at the top of a config. Other names there are variables of its author.
TOP_LEVEL: Keys = dict(
    model=Key(dict, 'The segmentor that is trained and tested: `dict(type=..., ...)`.'),
    uda=Key(dict, 'The method that trains it on two domains: `dict(type=..., ...)`. None trains '
            'supervised.'),
    data=Key(dict, 'The data sets and their loading.'),
    optimizer=Key(dict, "Torch's optimizer: `dict(type=..., lr=..., ...)`, with "
                  '`paramwise_cfg`.'),
    optimizer_config=Key(dict, "Arguments of mmcv's optimizer hook in a supervised training, such "
                         'as `dict(grad_clip=dict(max_norm=10))`. It must be None with `uda`, '
                         'whose step calls the optimizer itself.'),
    lr_config=Key(dict, "The learning rate schedule: `dict(policy=..., ...)` with the arguments "
                  "of mmcv's hook for that policy. It counts iterations."),
    momentum_config=Key(dict, 'A schedule of the momentum, as in mmcv.'),
    runner=Key(dict, 'The length of the training: `dict(type=..., max_iters=...)`.'),
    total_iters=Key(int, 'The length of the training in old configs, whose `runner` has no '
                    '`max_iters`.'),
    checkpoint_config=Key(dict, 'When checkpoints are saved, and how many are kept.'),
    evaluation=Key(dict, 'When and how the student is scored on `data.val`.'),
    log_config=Key(dict, 'How often the training logs, and where to.'),
    log_level=Key(None, "Least level of the messages that are shown: 'DEBUG', 'INFO' (default), "
                  "'WARNING' or 'ERROR'."),
    load_from=Key(str, 'A checkpoint whose student weights the training starts from.'),
    new_parts=Key(list, "Parts of the student that get no weights from `load_from` and start new, "
                  "as `['decode_head.conv_seg']` for other classes, or `['decode_head']`."),
    resume_from=Key(str, "A checkpoint to resume. 'auto' takes the newest readable one in the work "
                    'directory.'),
    workflow=Key(None, 'Accepted from configs of mmseg, without effect.'),
    work_dir=Key(str, 'Folder for checkpoints and logs. The option `--work-dir` overrules it.'),
    seed=Key(int, 'Seed of all random decisions. Without one, a seed is drawn and logged.', 0),
    deterministic=Key(bool, 'True asks torch for kernels that repeat to the bit.'),
    custom_hooks=Key(list, 'A list of mmcv hooks: `dict(type=..., priority=...)` each.'),
    custom_imports=Key(None, "`dict(imports=['mmseg_ssr'])` makes the names of this package known "
                       "to mmseg's own scripts."),
    dist_params=Key(None, 'Accepted from configs of mmseg, not needed.'),
    train_cfg=Key(dict, "The model's `train_cfg` in old configs, which have it here."),
    test_cfg=Key(dict, "The model's `test_cfg` in old configs, which have it here."),
    crop_size=Key(None, "(height, width) of the training's crops. `--inference-mode slide` takes "
                  'windows of this size.'),
    name=Key(str, 'Name of the experiment in logs, trackers and folders. By default it is the '
             "config file's name."),
    cudnn_benchmark=Key(bool, 'True lets cuDNN try its algorithms. It has no effect with a seed.'),
    report=Key(None, 'Whether a training writes `report.html` at its end (default True). '
               '`dict(images=N)` sets how many test images are predicted to show the best and the '
               'worst.'),
    label_shift=Key(bool, 'True lets the test after a training score predictions once more, '
                    'corrected as by `mmseg-ssr test --label-shift`. The names of these scores '
                    'begin with `label-shift_`.'),
    tracker=Key(str, "'wandb' or 'mlflow': a tracker that gets the logged numbers too."))
_WITHOUT_EFFECT = 'Accepted from configs of mmseg, without effect.'
LOADER: Keys = dict(
    samples_per_gpu=Key(int, 'Batch size of each process in training, by default 2.', 1,
                        2**16),
    workers_per_gpu=Key(int, 'Number of processes that load data, at most one for each core. The '
                        'default 0 loads in the training process.', 0, 2**16),
    prefetch_factor=Key(int, "Number of batches that each of them reads ahead, by default torch's "
                        '2.', 1),
    shuffle=Key(bool, _WITHOUT_EFFECT),
    seed=Key(int, _WITHOUT_EFFECT),
    drop_last=Key(bool, _WITHOUT_EFFECT),
    pin_memory=Key(bool, _WITHOUT_EFFECT),
    persistent_workers=Key(bool, _WITHOUT_EFFECT),
    dataloader_type=Key(str, _WITHOUT_EFFECT))
#: Path of a dict that has no ``type`` -> its keys.
PLAIN: Dict[str, Keys] = {
    'optimizer.paramwise_cfg': dict(
        custom_keys=Key(Dict[str, dict], "Part of a parameter's name -> `dict(lr_mult=..., "
                        'decay_mult=...)`, factors of learning rate and weight decay. If several '
                        'parts fit, the longest counts.'),
        bias_lr_mult=Key(float, 'Factor of the learning rate of biases.'),
        bias_decay_mult=Key(float, 'Factor of the weight decay of biases.'),
        norm_decay_mult=Key(float, 'Factor of the weight decay in normalization layers.'),
        dwconv_decay_mult=Key(float, 'Factor of the weight decay in depth-wise convolutions.'),
        dcn_offset_lr_mult=Key(float, 'Factor of the learning rate of offsets in deformable '
                               'convolutions.'),
        bypass_duplicate=Key(bool, 'True skips a parameter that the model holds twice.'),
        num_layers=Key(int, "Number of layers of the network, for mmseg's layer-wise constructors "
                       '(`optimizer.constructor`).'),
        decay_rate=Key(float, 'Factor of the learning rate from layer to layer, for these '
                       'constructors.'),
        layer_decay_rate=Key(float, 'The same for `LayerDecayOptimizerConstructor`.'),
        decay_type=Key(str, "'layer_wise' or 'stage_wise', for these constructors.")),
    'runner': dict(
        type=Key(str, 'Name of a runner that mmcv knows. The commands of this project always run '
                 "`SelfTrainingRunner`. mmseg's own train script runs the named one."),
        max_iters=Key(int, 'Number of iterations of the training.'),
        max_epochs=Key(int, 'Accepted, without effect. Trainings count iterations.'),
        max_keep_ckpts=Key(int, "`max_keep_ckpts` of `SelfTrainingRunner` under mmseg's own train "
                           'script. The commands of this project take that of '
                           '`checkpoint_config`.')),
    'checkpoint_config': dict(
        interval=Key(int, 'Number of iterations between two checkpoints. By default it is a '
                     'twentieth of the training, at most 2000.'),
        max_keep_ckpts=Key(int, 'Number of checkpoints that are kept, by default 2. -1 keeps '
                           'all.'),
        by_epoch=Key(bool, 'Accepted, without effect. Trainings count iterations.'),
        save_last=Key(bool, 'Accepted, without effect. The end of a training is always saved.'),
        save_optimizer=Key(bool, 'False leaves the optimizer out. The training cannot be resumed '
                           'then.'),
        sync_buffer=Key(bool, "As in mmcv's `CheckpointHook`."),
        create_symlink=Key(bool, 'False makes no `latest.pth`.'),
        meta=Key(dict, "Further entries of the checkpoint's `meta`.")),
    'evaluation': dict(
        interval=Key(int, 'Number of iterations between two evaluations, by default a tenth of the '
                     'training.', 1),
        start=Key(int, 'Iteration of the first evaluation. `interval` counts from it.'),
        metric=Key(None, "'mIoU' (default), 'mDice', 'mFscore', 'cityscapes', or several."),
        save_best=Key(str, "Name of a score, such as 'mIoU'. The checkpoint with its best value is "
                      'kept too.'),
        rule=Key(str, "'greater' or 'less' is better, for a score that mmcv does not know."),
        greater_keys=Key(list, 'Names of scores for which greater is better.'),
        less_keys=Key(list, 'Names of scores for which less is better.'),
        out_dir=Key(str, 'Folder of the best checkpoint, as in mmcv.'),
        file_client_args=Key(dict, "As in mmcv's `EvalHook`."),
        test_fn=Key(None, "As in mmcv's `EvalHook`."),
        classwise=Key(bool, "Passed on to the data set's `evaluate`."),
        imgfile_prefix=Key(str, "Passed on to the data set's `evaluate`."),
        by_epoch=Key(bool, 'Accepted, without effect. Trainings count iterations.'),
        pre_eval=Key(bool, 'Accepted, without effect. It is always True, so predictions are not '
                     'collected.'),
        efficient_test=Key(bool, 'Accepted from old configs, without effect.')),
    'log_config': dict(
        interval=Key(int, 'Number of iterations between two log lines, by default 50.', 1),
        hooks=Key(list, 'A list of logging hooks: `dict(type=..., ...)` each.'),
        img_interval=Key(int, 'Accepted from configs of MIC, without effect.')),
    'data': dict(
        LOADER,
        train=Key(None, 'Data set for training. With `uda` it has a source and a target: '
                  '`UDADataset`.'),
        val=Key(None, 'Data set that evaluations during the training score on, or a list of '
                'several. Each has its own scores then, `0_mIoU` and so on, and `mIoU` is their '
                'mean.'),
        test=Key(None, 'Data set of `mmseg-ssr test` and of the report, or a list of several.'),
        train_dataloader=Key(dict, _WITHOUT_EFFECT),
        val_dataloader=Key(dict, _WITHOUT_EFFECT),
        test_dataloader=Key(dict, _WITHOUT_EFFECT)),
    'data.train_dataloader': LOADER,
    'data.val_dataloader': LOADER,
    'data.test_dataloader': LOADER,
}
#: Last name of a path -> the keys of the dict there.
PLAIN_ANYWHERE: Dict[str, Keys] = {
    'test_cfg': dict(
        mode=Key(str, "'whole' takes the image at once. 'slide' takes overlapping windows and "
                 'averages their predictions.'),
        crop_size=Key(Tuple[int, int], '(height, width) of a window in pixels.'),
        stride=Key(Tuple[int, int], '(height, width) in pixels from one window to the next, at '
                   'most `crop_size`.'),
        batched_slide=Key(None, 'Number of windows that go through the network at once. True takes '
                          'all, False (default) one after the other.'),
        average=Key(str, "What is averaged where windows overlap: 'logit' (default) or "
                    "'probability', as VFM-UDA++ does. Mask2Former and SARFormer average scores in "
                    'any case.'),
        amp=Key(None, "`dict(dtype='bfloat16')` or `dict(dtype='float16')`: mixed precision. "
                'float32 is used on a processor where 16 bits are slower.'),
        compile=Key(None, 'True compiles the network, for each image size on its own.'),
        logit_shift=Key(None, 'A number for each class that is added to its logits. See '
                        '`mmseg-ssr test --label-shift`.'),
        subdivision_num_points=Key(int, "As in mmseg's `PointHead`."),
        subdivision_steps=Key(int, "As in mmseg's `PointHead`."),
        scale_factor=Key(float, "As in mmseg's `PointHead`.")),
}
#: Keys of each dict in ``optimizer.paramwise_cfg.custom_keys``.
MULTIPLIERS: Keys = dict(
    lr_mult=Key(float, 'Factor of the learning rate.'),
    decay_mult=Key(float, 'Factor of the weight decay.'))


def keys_at(path: str) -> Optional[Keys]:
    """Return the keys of the dict at a path of a config, or None if a constructor defines them."""
    if path.startswith('optimizer.paramwise_cfg.custom_keys.'):
        return MULTIPLIERS
    return PLAIN.get(path) or PLAIN_ANYWHERE.get(path.rpartition('.')[2])
