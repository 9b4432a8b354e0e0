# DAFormer, Cityscapes -> Tokyo of NTHU Cross-City, 13 classes.
_base_ = ['cs2rome_daformer_mitb5.py']
city = dict(data_root='data/NTHU_Datasets/Tokyo/')
data = dict(train=dict(target=city), val=city, test=city)
name = 'cs2tokyo_daformer_mitb5'
