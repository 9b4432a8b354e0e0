"""A small SAM: an image encoder trained from a seed on drawn scenes, and a probe of what it knows.

:mod:`.scenes` draws each scene in several looks, and :mod:`.shapes` sorts the masks of its objects
into kinds. :mod:`.training` trains the encoder through two heads: :mod:`.mask_decoder` turns a
point into the mask of the object below it, :mod:`.kind_head` says of which kind the object's shape
is. :mod:`.probe` measures how well a linear classifier on frozen features stands a change of
domain.
"""
