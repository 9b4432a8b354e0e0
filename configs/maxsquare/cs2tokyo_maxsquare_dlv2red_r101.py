# MaxSquare, Cityscapes -> Tokyo of NTHU Cross-City, second stage.
_base_ = ['cs2rome_maxsquare_dlv2red_r101.py']
city = dict(data_root='data/NTHU_Datasets/Tokyo/')
data = dict(train=dict(target=city), val=city, test=city)
name = 'cs2tokyo_maxsquare_dlv2red_r101'
