# DeepLabV2 with the dilations 6 and 12 alone, as in AdaptSegNet and its successors. The DeepLabV2
# rows of DAFormer, HRDA and MIC use it too, under the name 'dlv2red'.
_base_ = ['dlv2_r101.py']
model = dict(decode_head=dict(dilations=(6, 12)))
