"""A small SAM: an image encoder trained from a seed on drawn scenes, and a probe of what it knows.

:mod:`.scenes` draws each scene in several looks, :mod:`.mask_decoder` turns a point into the mask
of the object below it, :mod:`.training` trains the encoder through it, :mod:`.probe` measures how
well a linear classifier on frozen features stands a change of domain.
"""
