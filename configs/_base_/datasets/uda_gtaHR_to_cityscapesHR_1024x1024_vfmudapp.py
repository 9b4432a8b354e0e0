# VFM-UDA++'s data: GTA with labels -> Cityscapes without. Short sides of 1440 and 1024.
_base_ = ['vfmudapp_parts.py']
data = dict(
    train=dict(
        source=dict(
            type='GTADataset', data_root='data/gta/', img_dir='images', ann_dir='labels',
            pipeline={{_base_.gta_train_pipeline}}),
        target=dict(
            type='CityscapesDataset', data_root='data/cityscapes/', img_dir='leftImg8bit/train',
            pipeline={{_base_.target_train_pipeline}},
            crop_pseudo_margins={{_base_.margins}})),
    val={{_base_.cityscapes_val}},
    # The published table has both sets. Remove the second one if you lack WildDash2.
    test=dict(
        type='ConcatDataset', datasets=[{{_base_.cityscapes_val}}, {{_base_.wilddash_val}}]))
