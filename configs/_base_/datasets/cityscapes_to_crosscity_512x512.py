# Trained on Cityscapes, tested on a city of NTHU Cross-City over 13 classes. There is no oracle,
# because the cities' training images have no labels.
_base_ = ['cityscapes_512x512.py']
classes = [
    'road', 'sidewalk', 'building', 'traffic light', 'traffic sign', 'vegetation', 'sky', 'person',
    'rider', 'car', 'bus', 'motorcycle', 'bicycle']
city_test = dict(
    type='CrossCityDataset',
    data_root='data/NTHU_Datasets/Rome/',
    img_dir='Images/Test',
    ann_dir='Labels/Test',
    classes=classes)
data = dict(train=dict(classes=classes), val=city_test, test=city_test)
