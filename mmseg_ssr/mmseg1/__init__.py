"""The door to mmseg 1.x (mmengine): a segmentor, a hook, data sets and a wrapper of processes.

``import mmseg_ssr`` registers them where mmseg 1.x is installed (docs/mmseg1.md).
"""
import importlib

PARTS = ('dataset', 'folders', 'hooks', 'transforms', 'wrapper')


def register_parts() -> None:
    """Fill the registries of mmseg and mmengine."""
    for part in PARTS:
        importlib.import_module(f'.{part}', __name__)
