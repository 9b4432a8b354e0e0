# DeepLabV2 with the dilations 6 and 12 alone, as AdaptSegNet and its successors train it; so do the
# DeepLabV2 rows of DAFormer, HRDA and MIC: 'dlv2red'.
_base_ = ['dlv2_r101.py']
model = dict(decode_head=dict(dilations=(6, 12)))
