# DACS on DeepLabV2, tested once more with predictions that are corrected for the class frequencies
# of the target: the inference adjustment of "Undoing the Damage of Label Shift" (arXiv 2204.05546).
_base_ = ['gta2cs_dacs_dlv2red_r101.py']
label_shift = True
name = 'gta2cs_dacs_label_shift_dlv2red_r101'
