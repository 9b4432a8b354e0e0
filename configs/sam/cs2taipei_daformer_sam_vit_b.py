# SSR on DAFormer, Cityscapes -> Taipei of NTHU Cross-City, 13 classes.
_base_ = ['cs2rome_daformer_sam_vit_b.py']
city = dict(data_root='data/NTHU_Datasets/Taipei/')
data = dict(train=dict(target=city), val=city, test=city)
name = 'cs2taipei_daformer_sam_vit_b'
