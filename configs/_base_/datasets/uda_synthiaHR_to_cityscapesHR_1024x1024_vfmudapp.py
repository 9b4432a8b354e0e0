# VFM-UDA++'s data with SYNTHIA as the source, at a short side of 1024. It is scored over all 19
# classes, and over SYNTHIA's 16 and 13.
_base_ = ['vfmudapp_parts.py']
val = dict(
    type='CityscapesSynthiaDataset', data_root='data/cityscapes/', img_dir='leftImg8bit/val',
    ann_dir='gtFine/val', pipeline={{_base_.test_pipeline}})
data = dict(
    train=dict(
        source=dict(
            type='SynthiaDataset', data_root='data/synthia/', img_dir='RGB', ann_dir='GT/LABELS',
            pipeline={{_base_.source_train_pipeline}}),
        target=dict(
            type='CityscapesDataset', data_root='data/cityscapes/', img_dir='leftImg8bit/train',
            pipeline={{_base_.target_train_pipeline}},
            crop_pseudo_margins={{_base_.margins}})),
    val=val,
    test=dict(type='ConcatDataset', datasets=[val, {{_base_.wilddash_val}}]))
