"""The things on and beside a street, each drawn part by part onto a :class:`.sketch.Sketch`.

:mod:`.body` extrudes solid bodies for :mod:`.vehicles`. :mod:`.people` and :mod:`.cycles` are flat.
:mod:`.roadside` has trees, posts and signs, and :mod:`.frontage` the buildings, walls and hedges.
:mod:`~mmseg_ssr.streets.scene` and :mod:`~mmseg_ssr.streets.occupants` decide where they stand.
"""
