"""Registration of this package's classes with mmcv and mmseg."""
from typing import Callable, Optional


def register(registry, name: Optional[str] = None) -> Callable:
    """Return a class decorator that enters a class into ``registry`` unless the name is taken.

    Projects with a copy of mmseg, such as MIC, bring their own ``DAFormerHead`` or ``mit_b5``.
    Their configs mean their own classes, so these stay registered. Ours can still be imported.
    """

    def enter(cls: type) -> type:
        key = name or cls.__name__
        if key not in registry.module_dict:
            registry.register_module(name=key, module=cls)
        return cls

    return enter
