# Source-only: the training of cs2rome_source_only_mitb5.py, tested on Taipei.
_base_ = ['cs2rome_source_only_mitb5.py']
city = dict(data_root='data/NTHU_Datasets/Taipei/')
data = dict(val=city, test=city)
name = 'cs2taipei_source_only_mitb5'
