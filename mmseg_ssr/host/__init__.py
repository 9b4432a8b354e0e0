"""The door to OpenMMLab: the one place that knows which of its versions is installed.

Models and methods import the names of the framework from here. :mod:`.mmseg0` gives them for mmseg
0.16 to 0.30 (mmcv 1.x), :mod:`.mmseg1` for mmseg 1.x (mmcv 2.x, mmengine). Both give the same
names.
"""
from ..utils.versions import check_versions, openmmlab_line

check_versions()

#: The installed line of mmseg, 0 or 1.
LINE = openmmlab_line()

if LINE == 0:
    from .mmseg0 import *  # noqa: F403
    from .mmseg0 import __all__
else:
    from .mmseg1 import *  # noqa: F403
    from .mmseg1 import __all__  # noqa: F401
