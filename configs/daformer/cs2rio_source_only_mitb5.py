# Source-only: the training of cs2rome_source_only_mitb5.py, tested on Rio.
_base_ = ['cs2rome_source_only_mitb5.py']
city = dict(data_root='data/NTHU_Datasets/Rio/')
data = dict(val=city, test=city)
name = 'cs2rio_source_only_mitb5'
