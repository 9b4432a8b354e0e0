# Oracle: trained with the labels of CamVid at dusk. Step and test are those of source-only.
_base_ = ['camvid_dusk_source_only.py']
data = dict(train=dict(source=dict(sequences=['0001TP'])))
name = 'camvid_dusk_oracle'
