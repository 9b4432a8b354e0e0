# MaxSquare + IW: rare classes of a target image weigh more.
_base_ = ['synthia2cs_maxsquare_dlv2red_r101.py']
uda = dict(image_wise_ratio=0.2)
name = 'synthia2cs_maxsquare_iw_dlv2red_r101'
