# VFM-UDA++, "All Synth to All Real" (arXiv 2503.10685): three sets with labels -> five without.
# Each has a share in proportion to its number of images. WildDash2 is tested on alone.
_base_ = ['vfmudapp_parts.py']
# Mapillary Vistas of the archive of v2.0 has its labels in validation/v1.2/labels.
val_sets = [
    {{_base_.cityscapes_val}},
    dict(
        type='BDD100KDataset', data_root='data/bdd100k/', img_dir='images/10k/val',
        ann_dir='labels/sem_seg/masks/val', pipeline={{_base_.test_pipeline}}),
    dict(
        type='MapillaryDataset', data_root='data/mapillary/', img_dir='validation/images',
        ann_dir='validation/labels', pipeline={{_base_.test_pipeline}}),
    {{_base_.wilddash_val}},
    dict(
        type='ACDCDataset', data_root='data/acdc/', img_dir='rgb_anon/val', ann_dir='gt/val',
        pipeline={{_base_.test_pipeline}}),
    {{_base_.dark_zurich_val}},
]
data = dict(
    train=dict(
        source=[
            dict(
                type='GTADataset', data_root='data/gta/', img_dir='images', ann_dir='labels',
                pipeline={{_base_.gta_train_pipeline}}),
            dict(
                type='SynthiaDataset', data_root='data/synthia/', img_dir='RGB',
                ann_dir='GT/LABELS', pipeline={{_base_.source_train_pipeline}}),
            dict(
                type='SynscapesDataset', data_root='data/synscapes/', img_dir='img/rgb-2k',
                ann_dir='img/class', pipeline={{_base_.source_train_pipeline}}),
        ],
        target=[
            dict(
                type='CityscapesDataset', data_root='data/cityscapes/', img_dir='leftImg8bit/train',
                pipeline={{_base_.target_train_pipeline}}, crop_pseudo_margins={{_base_.margins}}),
            dict(
                type='BDD100KDataset', data_root='data/bdd100k/', img_dir='images/10k/train',
                pipeline={{_base_.target_train_pipeline}}, crop_pseudo_margins={{_base_.margins}}),
            dict(
                type='MapillaryDataset', data_root='data/mapillary/', img_dir='training/images',
                pipeline={{_base_.target_train_pipeline}}, crop_pseudo_margins={{_base_.margins}}),
            dict(
                type='ACDCDataset', data_root='data/acdc/', img_dir='rgb_anon/train',
                pipeline={{_base_.target_train_pipeline}}, crop_pseudo_margins={{_base_.margins}}),
            dict(  # night, twilight and day
                type='DarkZurichDataset', data_root='data/dark_zurich/', img_dir='rgb_anon/train',
                pipeline={{_base_.target_train_pipeline}}, crop_pseudo_margins={{_base_.margins}}),
        ]),
    val=val_sets,
    test=val_sets)
