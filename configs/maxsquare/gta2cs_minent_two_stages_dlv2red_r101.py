# MinEnt in the two stages of MaxSquare, GTA -> Cityscapes: MaxSquare's row "MinEnt". The weight
# is that of MinEnt's own paper, because MaxSquare's README states none.
_base_ = ['gta2cs_maxsquare_dlv2red_r101.py']
uda = dict(_delete_=True, type='MinEnt', lambda_ent=0.001)
name = 'gta2cs_minent_two_stages_dlv2red_r101'
