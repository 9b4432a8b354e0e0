# MaxSquare, first stage (arXiv 1909.13589, Table 1, "Source"): DeepLabV2 learns GTA.
_base_ = ['gta2cs_source_multi_dlv2red_r101.py']
model = dict(auxiliary_head=None)
name = 'gta2cs_source_dlv2red_r101'
