"""ViT-Adapter (arXiv 2205.08534): a pyramid of maps from a plain ViT."""
from .beit_adapter import BEiTAdapter
from .deformable_attention import DeformableAttention
from .dinov2_adapter import DINOv2Adapter

__all__ = ['BEiTAdapter', 'DINOv2Adapter', 'DeformableAttention']
