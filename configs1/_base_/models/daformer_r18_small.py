# The network of the demo: a narrow ResNet-18 and a DAFormer head, trained from scratch on a CPU.
_base_ = ['../../../configs/_base_/models/daformer_r18_small.py']
