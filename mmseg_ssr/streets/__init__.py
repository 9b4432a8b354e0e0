"""Streets: an embedded data set for domain adaptation, drawn by code from a seed.

It shows street scenes in perspective with the 19 Cityscapes classes. :mod:`.scene` and
:mod:`.occupants` lay them out, and :mod:`.things` draws each object. :mod:`.raster` finds the part
seen at each pixel. :mod:`.look` and :mod:`.painter` make pictures. :mod:`.writer` writes these in
the :mod:`.layouts` of GTA5 (source), Cityscapes (target) and other data sets.
"""
from .layouts import LAYOUTS, SOURCE_TRAIN, TARGET_TRAIN, TARGET_VAL, Split
from .look import Look, camera_look, game_look, random_look
from .writer import draw_sample, make_streets, source_val

__all__ = ['LAYOUTS', 'SOURCE_TRAIN', 'TARGET_TRAIN', 'TARGET_VAL', 'Look', 'Split', 'camera_look',
           'draw_sample', 'game_look', 'make_streets', 'random_look', 'source_val']
