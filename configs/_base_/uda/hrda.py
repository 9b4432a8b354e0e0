# DAFormer's self-training for HRDA: untrusted margins come with the data, as crops have no fixed
# place in the image.
_base_ = ['daformer.py']
uda = dict(pseudo_weight_ignore_top=0, pseudo_weight_ignore_bottom=0)
