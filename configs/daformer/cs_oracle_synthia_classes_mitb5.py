# The oracle of SYNTHIA -> Cityscapes. It is the oracle of all benchmarks on Cityscapes, scored over
# 19, 16 and 13 classes.
_base_ = ['cs_oracle_mitb5.py']
data = dict(val=dict(type='CityscapesSynthiaDataset'), test=dict(type='CityscapesSynthiaDataset'))
name = 'cs_oracle_synthia_classes_mitb5'
