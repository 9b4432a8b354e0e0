# DAFormer's network: MiT-B5 encoder and the context-aware decoder (arXiv 2111.14887).
_base_ = ['../../../configs/_base_/models/daformer_mitb5.py']
