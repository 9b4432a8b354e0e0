"""ViT-Adapter (arXiv 2205.08534): a pyramid of maps from a plain ViT."""
from .beit_adapter import BEiTAdapter
from .deformable_attention import DeformableAttention

__all__ = ['BEiTAdapter', 'DeformableAttention']
