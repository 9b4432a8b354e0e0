"""The keys of a config that go to no constructor of this package: their kinds and meanings.

:mod:`~mmseg_ssr.engine.config.components` holds configs against the kinds, and
``tools/make_reference.py`` writes both into docs/config.md beside the arguments of the registered
classes, whose signatures and docstrings say the same of theirs.
"""
from typing import Any, Dict, NamedTuple, Optional, Tuple


class Key(NamedTuple):
    """What a key takes, None where that is not sure, and what it means (in Markdown).

    None as a value stands for the default.
    """

    kind: Any
    meaning: str
    least: Optional[int] = None
    most: Optional[int] = None


Keys = Dict[str, Key]

#: What is read from the top of a config. Other names there are variables of its author.
TOP_LEVEL: Keys = dict(
    model=Key(dict, 'the segmentor that is trained and tested: `dict(type=..., ...)`'),
    uda=Key(dict, 'the method that trains it on two domains: `dict(type=..., ...)`; None trains '
            'supervised'),
    data=Key(dict, 'the data sets and their loading'),
    optimizer=Key(dict, '`dict(type=..., lr=..., ...)` of torch, with `paramwise_cfg`'),
    optimizer_config=Key(dict, "mmcv's optimizer hook for a supervised training, such as "
                         '`dict(grad_clip=dict(max_norm=10))`; None with `uda`, whose step calls '
                         'the optimizer itself'),
    lr_config=Key(dict, "the schedule: `dict(policy=..., ...)` with the arguments of mmcv's hook "
                  'for that policy; counted in iterations'),
    momentum_config=Key(dict, 'a schedule of the momentum, as in mmcv'),
    runner=Key(dict, 'the length of the training: `dict(type=..., max_iters=...)`'),
    total_iters=Key(int, 'the same in old configs, where `runner` has no `max_iters`'),
    checkpoint_config=Key(dict, 'when a checkpoint is saved'),
    evaluation=Key(dict, 'when the student is scored on `data.val`, and how'),
    log_config=Key(dict, 'what is logged, how often and where to'),
    log_level=Key(None, "of the messages: 'DEBUG', 'INFO' (default), 'WARNING' or 'ERROR'"),
    load_from=Key(str, 'a checkpoint whose student weights the training starts from'),
    resume_from=Key(str, "a checkpoint to go on from, or 'auto': the newest readable in the work "
                    'directory'),
    workflow=Key(None, 'accepted from configs of mmseg, without effect'),
    work_dir=Key(str, 'folder of checkpoints and logs; the option `--work-dir` overrules it'),
    seed=Key(int, 'of everything random; drawn and logged when there is none', 0),
    deterministic=Key(bool, 'True asks torch for kernels that repeat to the bit'),
    custom_hooks=Key(list, 'a list of hooks of mmcv, `dict(type=..., priority=...)` each'),
    custom_imports=Key(None, "`dict(imports=['mmseg_ssr'])`, so that mmseg's own scripts know the "
                       'names of this package'),
    dist_params=Key(None, 'accepted from configs of mmseg, not needed'),
    train_cfg=Key(dict, 'of the model, in old configs that have it outside'),
    test_cfg=Key(dict, 'of the model, in old configs that have it outside'),
    crop_size=Key(None, "(height, width) of the training's crops: the windows of "
                  '`--inference-mode slide`'),
    name=Key(str, "of the experiment, in logs, trackers and folders; by default the file's"),
    cudnn_benchmark=Key(bool, 'True lets cuDNN try its algorithms; without effect when there is a '
                        'seed'),
    report=Key(None, '`report.html` at the end of a training: True (default), False, or '
               '`dict(images=N)`, the number of test images that it shows the best and worst of'),
    tracker=Key(str, "'wandb' or 'mlflow': numbers go there too"))
_WITHOUT_EFFECT = 'accepted from configs of mmseg, without effect'
LOADER: Keys = dict(
    samples_per_gpu=Key(int, 'batch size of each process in training, by default 2', 1,
                        2**16),
    workers_per_gpu=Key(int, 'processes that load data, at most one for each core, by default 0: '
                        'none', 0, 2**16),
    prefetch_factor=Key(int, "batches that each of them reads ahead, by default torch's 2", 1),
    shuffle=Key(bool, _WITHOUT_EFFECT),
    seed=Key(int, _WITHOUT_EFFECT),
    drop_last=Key(bool, _WITHOUT_EFFECT),
    pin_memory=Key(bool, _WITHOUT_EFFECT),
    persistent_workers=Key(bool, _WITHOUT_EFFECT),
    dataloader_type=Key(str, _WITHOUT_EFFECT))
#: Of dicts that have no ``type`` to ask, by their path.
PLAIN: Dict[str, Keys] = {
    'optimizer.paramwise_cfg': dict(
        custom_keys=Key(Dict[str, dict], "part of a parameter's name -> `dict(lr_mult=..., "
                        'decay_mult=...)`, factors of learning rate and weight decay; the longest '
                        'part that fits counts'),
        bias_lr_mult=Key(float, 'factor of the learning rate of biases'),
        bias_decay_mult=Key(float, 'factor of the weight decay of biases'),
        norm_decay_mult=Key(float, 'factor of the weight decay in normalization layers'),
        dwconv_decay_mult=Key(float, 'factor of the weight decay in depth-wise convolutions'),
        dcn_offset_lr_mult=Key(float, 'factor of the learning rate of offsets in deformable '
                               'convolutions'),
        bypass_duplicate=Key(bool, 'True passes over a parameter that the model has twice'),
        num_layers=Key(int, "of the network, for mmseg's layer-wise constructors "
                       '(`optimizer.constructor`)'),
        decay_rate=Key(float, 'of the learning rate from layer to layer, for these'),
        decay_type=Key(str, "'layer_wise' or 'stage_wise', for these")),
    'runner': dict(
        type=Key(str, 'a name that mmcv knows; the commands of this project run '
                 "`SelfTrainingRunner` whichever is named, mmseg's own train script the one that "
                 'is named'),
        max_iters=Key(int, 'iterations of the training'),
        max_epochs=Key(int, 'accepted, without effect: trainings are counted in iterations'),
        max_keep_ckpts=Key(int, "of `SelfTrainingRunner` under mmseg's own train script; else "
                           'that of `checkpoint_config`')),
    'checkpoint_config': dict(
        interval=Key(int, 'iterations between two checkpoints, by default a twentieth of the '
                     'training, at most 2000'),
        max_keep_ckpts=Key(int, 'checkpoints that are kept, by default 2; -1 keeps all'),
        by_epoch=Key(bool, 'accepted; always iterations'),
        save_last=Key(bool, 'accepted; the end of a training is always saved'),
        save_optimizer=Key(bool, 'False leaves the optimizer out: the training cannot be resumed'),
        sync_buffer=Key(bool, "as in mmcv's `CheckpointHook`"),
        create_symlink=Key(bool, 'False makes no `latest.pth`'),
        meta=Key(dict, "further entries of the checkpoint's `meta`")),
    'evaluation': dict(
        interval=Key(int, 'iterations between two evaluations, by default a tenth of the '
                     'training', 1),
        start=Key(int, 'iteration of the first evaluation; `interval` counts from it'),
        metric=Key(None, "'mIoU' (default), 'mDice', 'mFscore', 'cityscapes', or several"),
        save_best=Key(str, "name of a score, such as 'mIoU': its best checkpoint is kept as well"),
        rule=Key(str, "'greater' or 'less' for a score of which mmcv does not know which is "
                 'better'),
        greater_keys=Key(list, 'names of scores of which greater is better'),
        less_keys=Key(list, 'names of scores of which less is better'),
        out_dir=Key(str, 'folder of the best checkpoint, as in mmcv'),
        file_client_args=Key(dict, "as in mmcv's `EvalHook`"),
        test_fn=Key(None, "as in mmcv's `EvalHook`"),
        classwise=Key(bool, "passed on to the data set's `evaluate`"),
        imgfile_prefix=Key(str, "passed on to the data set's `evaluate`"),
        by_epoch=Key(bool, 'accepted; always iterations'),
        pre_eval=Key(bool, 'accepted; always True: predictions are not collected'),
        efficient_test=Key(bool, 'accepted from old configs, without effect')),
    'log_config': dict(
        interval=Key(int, 'iterations between two log lines, by default 50', 1),
        hooks=Key(list, 'where to: a list of logging hooks, `dict(type=..., ...)` each'),
        img_interval=Key(int, 'accepted from configs of MIC, without effect')),
    'data': dict(
        LOADER,
        train=Key(None, 'data set for training; for `uda` one with source and target, '
                  '`UDADataset`'),
        val=Key(None, 'data set that evaluations during the training score on'),
        test=Key(None, 'data set of `tools/test.py` and of the report'),
        train_dataloader=Key(dict, _WITHOUT_EFFECT),
        val_dataloader=Key(dict, _WITHOUT_EFFECT),
        test_dataloader=Key(dict, _WITHOUT_EFFECT)),
    'data.train_dataloader': LOADER,
    'data.val_dataloader': LOADER,
    'data.test_dataloader': LOADER,
}
#: The same, by their last name.
PLAIN_ANYWHERE: Dict[str, Keys] = {
    'test_cfg': dict(
        mode=Key(str, "'whole': the image at once; 'slide': overlapping windows whose predictions "
                 'are averaged'),
        crop_size=Key(Tuple[int, int], '(height, width) of a window in pixels'),
        stride=Key(Tuple[int, int], '(height, width) from one window to the next, not larger than '
                   '`crop_size`'),
        batched_slide=Key(None, 'windows that go through the network at once: a number, True for '
                          'all, or False (default), one after the other'),
        amp=Key(None, "`dict(dtype='bfloat16')` or `dict(dtype='float16')`: mixed precision"),
        compile=Key(None, 'True compiles the network, for each image size on its own'),
        logit_shift=Key(None, 'a number for each class that is added to its logits, see '
                        '`tools/test.py --label-shift`'),
        subdivision_num_points=Key(int, "of mmseg's PointHead"),
        subdivision_steps=Key(int, "of mmseg's PointHead"),
        scale_factor=Key(float, "of mmseg's PointHead")),
}
#: Of one of the ``optimizer.paramwise_cfg.custom_keys``.
MULTIPLIERS: Keys = dict(
    lr_mult=Key(float, 'factor of the learning rate'),
    decay_mult=Key(float, 'factor of the weight decay'))


def keys_at(path: str) -> Optional[Keys]:
    """The keys of the dict at a path of a config; None where a constructor has them."""
    if path.startswith('optimizer.paramwise_cfg.custom_keys.'):
        return MULTIPLIERS
    return PLAIN.get(path) or PLAIN_ANYWHERE.get(path.rpartition('.')[2])

