# MaxSquare + IW, Taipei: rare classes of a target image weigh more.
_base_ = ['cs2taipei_maxsquare_dlv2red_r101.py']
uda = dict(image_wise_ratio=0.2)
name = 'cs2taipei_maxsquare_iw_dlv2red_r101'
