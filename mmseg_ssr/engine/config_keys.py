"""What the keys of a config mean that go to no constructor of this package.

``tools/make_reference.py`` writes them into docs/config.md beside the arguments of the registered
classes, whose docstrings say what they mean.
"""
from typing import Dict

#: Of what is read from the top of a config.
TOP_LEVEL_MEANINGS: Dict[str, str] = dict(
    model='the segmentor that is trained and tested: `dict(type=..., ...)`',
    uda='the method that trains it on two domains: `dict(type=..., ...)`; None trains supervised',
    data='the data sets and their loading',
    optimizer='`dict(type=..., lr=..., ...)` of torch, with `paramwise_cfg`',
    optimizer_config='mmcv\'s optimizer hook for a supervised training, such as '
                     '`dict(grad_clip=dict(max_norm=10))`; None with `uda`, whose step calls the '
                     'optimizer itself',
    lr_config='the schedule: `dict(policy=..., ...)` with the arguments of mmcv\'s hook for that '
              'policy; counted in iterations',
    momentum_config='a schedule of the momentum, as in mmcv',
    runner='the length of the training: `dict(type=..., max_iters=...)`',
    total_iters='the same in old configs, where `runner` has no `max_iters`',
    checkpoint_config='when a checkpoint is saved',
    evaluation='when the student is scored on `data.val`, and how',
    log_config='what is logged, how often and where to',
    log_level="of the messages: 'DEBUG', 'INFO' (default), 'WARNING' or 'ERROR'",
    load_from='a checkpoint whose student weights the training starts from',
    resume_from="a checkpoint to go on from, or 'auto': the newest readable in the work directory",
    workflow='accepted from configs of mmseg, without effect',
    work_dir='folder of checkpoints and logs; the option `--work-dir` overrules it',
    seed='of everything random; drawn and logged when there is none',
    deterministic='True asks torch for kernels that repeat to the bit',
    custom_hooks='a list of hooks of mmcv, `dict(type=..., priority=...)` each',
    custom_imports="`dict(imports=['mmseg_ssr'])`, so that mmseg's own scripts know the names of "
                   'this package',
    dist_params='accepted from configs of mmseg, not needed',
    train_cfg='of the model, in old configs that have it outside',
    test_cfg='of the model, in old configs that have it outside',
    crop_size='(height, width) of the training\'s crops: the windows of `--inference-mode slide`',
    name='of the experiment, in logs, trackers and folders; by default the file\'s',
    cudnn_benchmark='True lets cuDNN try its algorithms; without effect when there is a seed',
    report='`report.html` at the end of a training: True (default), False, or `dict(images=N)`, '
           'the number of test images that it shows the best and worst of',
    tracker="'wandb' or 'mlflow': numbers go there too",
)
_LOADER = dict(
    samples_per_gpu='batch size of each process in training, by default 2',
    workers_per_gpu='processes that load data, at most one for each core, by default 0: none',
    prefetch_factor='batches that each of them reads ahead, by default torch\'s 2',
)
_LOADER.update(dict.fromkeys(
    ('shuffle', 'seed', 'drop_last', 'pin_memory', 'persistent_workers', 'dataloader_type'),
    'accepted from configs of mmseg, without effect'))
_SPLIT_LOADER = 'accepted from configs of mmseg, without effect'
#: Of dicts that go to no constructor of this package, by their path.
MEANINGS: Dict[str, Dict[str, str]] = {
    'optimizer.paramwise_cfg': dict(
        custom_keys='part of a parameter\'s name -> `dict(lr_mult=..., decay_mult=...)`, factors '
                    'of learning rate and weight decay; the longest part that fits counts',
        bias_lr_mult='factor of the learning rate of biases',
        bias_decay_mult='factor of the weight decay of biases',
        norm_decay_mult='factor of the weight decay in normalisation layers',
        dwconv_decay_mult='factor of the weight decay in depth-wise convolutions',
        dcn_offset_lr_mult='factor of the learning rate of offsets in deformable convolutions',
        bypass_duplicate='True passes over a parameter that the model has twice',
        num_layers='of the network, for mmseg\'s layer-wise constructors '
                   '(`optimizer.constructor`)',
        decay_rate='of the learning rate from layer to layer, for these',
        decay_type="'layer_wise' or 'stage_wise', for these"),
    'runner': dict(
        type='a name that mmcv knows; the commands of this project run `SelfTrainingRunner` '
             'whichever is named, mmseg\'s own train script the one that is named',
        max_iters='iterations of the training',
        max_epochs='accepted, without effect: trainings are counted in iterations',
        max_keep_ckpts='of `SelfTrainingRunner` under mmseg\'s own train script; else that of '
                       '`checkpoint_config`'),
    'checkpoint_config': dict(
        interval='iterations between two checkpoints, by default a twentieth of the training, at '
                 'most 2000',
        max_keep_ckpts='checkpoints that are kept, by default 2; -1 keeps all',
        by_epoch='accepted; always iterations',
        save_last='accepted; the end of a training is always saved',
        save_optimizer='False leaves the optimizer out: the training cannot be resumed',
        sync_buffer='as in mmcv\'s `CheckpointHook`',
        create_symlink='False makes no `latest.pth`',
        meta='further entries of the checkpoint\'s `meta`'),
    'evaluation': dict(
        interval='iterations between two evaluations, by default a tenth of the training',
        start='iteration of the first evaluation; `interval` counts from it',
        metric="'mIoU' (default), 'mDice', 'mFscore', 'cityscapes', or several",
        save_best="name of a score, such as 'mIoU': its best checkpoint is kept as well",
        rule="'greater' or 'less' for a score of which mmcv does not know which is better",
        greater_keys='names of scores of which greater is better',
        less_keys='names of scores of which less is better',
        out_dir='folder of the best checkpoint, as in mmcv',
        file_client_args='as in mmcv\'s `EvalHook`',
        test_fn='as in mmcv\'s `EvalHook`',
        classwise='passed on to the data set\'s `evaluate`',
        imgfile_prefix='passed on to the data set\'s `evaluate`',
        by_epoch='accepted; always iterations',
        pre_eval='accepted; always True: predictions are not collected',
        efficient_test='accepted from old configs, without effect'),
    'log_config': dict(
        interval='iterations between two log lines, by default 50',
        hooks='where to: a list of logging hooks, `dict(type=..., ...)` each',
        img_interval='accepted from configs of MIC, without effect'),
    'data': dict(
        _LOADER,
        train='data set for training; for `uda` one with source and target, `UDADataset`',
        val='data set that evaluations during the training score on',
        test='data set of `tools/test.py` and of the report',
        train_dataloader=_SPLIT_LOADER, val_dataloader=_SPLIT_LOADER,
        test_dataloader=_SPLIT_LOADER),
    'test_cfg': dict(
        mode="'whole': the image at once; 'slide': overlapping windows whose predictions are "
             'averaged',
        crop_size='(height, width) of a window in pixels',
        stride='(height, width) from one window to the next, not larger than `crop_size`',
        batched_slide='windows that go through the network at once: a number, True for all, or '
                      'False (default), one after the other',
        amp="`dict(dtype='bfloat16')` or `dict(dtype='float16')`: mixed precision",
        compile='True compiles the network, for each image size on its own',
        logit_shift='a number for each class that is added to its logits, see '
                    '`tools/test.py --label-shift`',
        subdivision_num_points='of mmseg\'s PointHead',
        subdivision_steps='of mmseg\'s PointHead',
        scale_factor='of mmseg\'s PointHead'),
}
