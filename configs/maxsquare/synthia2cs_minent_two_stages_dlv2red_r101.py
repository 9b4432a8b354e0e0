# MinEnt in the two stages of MaxSquare, SYNTHIA -> Cityscapes: MaxSquare's row "MinEnt". The weight
# is that of MinEnt's own paper, because MaxSquare's README states none.
_base_ = ['synthia2cs_maxsquare_dlv2red_r101.py']
uda = dict(_delete_=True, type='MinEnt', lambda_ent=0.001)
name = 'synthia2cs_minent_two_stages_dlv2red_r101'
