# Oracle: trained with the labels of CamVid. Step and test are those of source-only.
_base_ = ['streets2camvid_source_only.py']
data = dict(
    train=dict(
        source=dict(
            _delete_=True,
            type='CamVidDataset',
            data_root='data/camvid/',
            img_dir='train',
            ann_dir='trainannot',
            pipeline={{_base_.source_pipeline}})))
name = 'streets2camvid_oracle'
