"""A small SAM: an image encoder trained from a seed on drawn scenes, and a probe of its features.

:mod:`.scenes` draws each scene in several looks. :mod:`.shapes` sorts the masks of its objects
into kinds. :mod:`.training` trains the encoder through two heads: :mod:`.mask_decoder` predicts
the mask of the object at a point, and :mod:`.kind_head` predicts the kind of its shape.
:mod:`.probe` measures how well a linear classifier on frozen features withstands a change of
domain.
"""
