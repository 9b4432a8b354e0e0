# MaxSquare, first stage: DeepLabV2 learns the 16 classes of SYNTHIA.
_base_ = ['synthia2cs_source_multi_dlv2red_r101.py']
model = dict(auxiliary_head=None)
name = 'synthia2cs_source_dlv2red_r101'
