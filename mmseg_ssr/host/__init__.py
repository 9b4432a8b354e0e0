"""The door to OpenMMLab: the one place that knows which of its versions is installed.

Models and methods import the names of the framework from here. :mod:`.mmseg0` gives them for mmseg
0.16 to 0.30 (mmcv 1.x). Another version needs another module with the same names.
"""
from ..utils.versions import check_versions

check_versions()

from .mmseg0 import *  # noqa: E402, F403
from .mmseg0 import __all__  # noqa: E402, F401
