# Streets in the look of a game, with labels -> CamVid without, scored on CamVid's test split.
# mmseg-ssr streets data/streets_480x360 --layouts gta --images 160 --size 480 360
_base_ = ['uda_camvid_dusk.py']
sequences = ['0001TP', '0006R0', '0016E5', 'Seq05VD']
# CamVid's classes and colors. ids: label ids of Cityscapes, which Streets draws. docs/real_data.md
# has the reason for each. Streets is read as drawn, without a conversion.
classes = [
    dict(name='sky', color=[128, 128, 128], ids=[23]),
    dict(name='building', color=[128, 0, 0], ids=[11, 12]),  # wall
    dict(name='pole', color=[192, 192, 128], ids=[17]),
    dict(name='road', color=[128, 64, 128], ids=[7]),
    dict(name='pavement', color=[0, 0, 192], ids=[8]),
    dict(name='tree', color=[128, 128, 0], ids=[21, 22]),  # vegetation, terrain
    dict(name='sign', color=[192, 128, 128], ids=[19, 20]),  # traffic light, traffic sign
    dict(name='fence', color=[64, 64, 128], ids=[13]),
    dict(name='car', color=[64, 0, 128], ids=[26, 27, 28, 31]),  # truck, bus, train
    dict(name='pedestrian', color=[64, 64, 0], ids=[24]),
    dict(name='bicyclist', color=[0, 128, 192], ids=[25, 32, 33]),  # rider, motorcycle, bicycle
]
data = dict(
    train=dict(
        source=dict(
            _delete_=True,
            type='FolderDataset',
            data_root='data/streets_480x360/gta/',
            img_dir='images',
            ann_dir='labels',
            classes=classes,
            ignore='rest',
            pipeline={{_base_.source_pipeline}}),
        target=dict(sequences=sequences)),
    val=dict(sequences=sequences),
    test=dict(sequences=sequences))
