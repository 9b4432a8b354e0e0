# DAFormer's self-training for HRDA. The data bring the untrusted margins, because crops have no
# fixed place in the image.
_base_ = ['daformer.py']
uda = dict(pseudo_weight_ignore_top=0, pseudo_weight_ignore_bottom=0)
