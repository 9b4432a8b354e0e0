"""The registered methods: from config keys to the parts of the step."""
from .method import DACS, SSR, AdvSeg, MaxSquare, MinEnt, UDASegmentor

__all__ = ['DACS', 'SSR', 'AdvSeg', 'MaxSquare', 'MinEnt', 'UDASegmentor']
