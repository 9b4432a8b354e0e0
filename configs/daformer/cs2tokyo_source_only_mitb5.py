# Source-only: the training of cs2rome_source_only_mitb5.py, tested on Tokyo.
_base_ = ['cs2rome_source_only_mitb5.py']
city = dict(data_root='data/NTHU_Datasets/Tokyo/')
data = dict(val=city, test=city)
name = 'cs2tokyo_source_only_mitb5'
