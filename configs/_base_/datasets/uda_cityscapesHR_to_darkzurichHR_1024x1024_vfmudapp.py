# VFM-UDA++'s data: Cityscapes with labels -> Dark Zurich without, at all times of day.
_base_ = ['vfmudapp_parts.py']
data = dict(
    train=dict(
        source=dict(
            type='CityscapesDataset', data_root='data/cityscapes/', img_dir='leftImg8bit/train',
            ann_dir='gtFine/train', pipeline={{_base_.source_train_pipeline}}),
        target=dict(  # night, twilight and day
            type='DarkZurichDataset', data_root='data/dark_zurich/', img_dir='rgb_anon/train',
            pipeline={{_base_.target_train_pipeline}},
            crop_pseudo_margins={{_base_.margins}})),
    val={{_base_.dark_zurich_val}},
    test=dict(
        type='ConcatDataset', datasets=[{{_base_.dark_zurich_val}}, {{_base_.wilddash_val}}]))
