# The student for the 11 classes of CamVid. A class weighs 1 / sqrt(its share of the pixels of
# Streets), so that a training of minutes learns rare ones too. A pixel weighs 1 on average.
_base_ = ['daformer_mobilenetv2.py']
model = dict(
    decode_head=dict(
        num_classes=11,
        loss_decode=dict(
            class_weight=[0.86, 0.92, 2.47, 0.57, 1.93, 1.42, 3.45, 3.86, 1.19, 3.62, 4.26])))
