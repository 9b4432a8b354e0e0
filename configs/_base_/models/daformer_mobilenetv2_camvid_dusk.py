# The student for the 11 classes of CamVid. A class weighs 1 / sqrt(its share of the pixels of
# CamVid by day), so that a training of minutes learns rare ones too. A pixel weighs 1 on average.
_base_ = ['daformer_mobilenetv2.py']
model = dict(
    decode_head=dict(
        num_classes=11,
        loss_decode=dict(
            class_weight=[0.89, 0.77, 3.62, 0.62, 1.71, 1.18, 3.34, 3.22, 1.58, 4.56, 7.34])))
