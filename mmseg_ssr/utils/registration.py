"""The one way into the registries of mmcv and mmseg."""
from typing import Callable, Optional


def register(registry, name: Optional[str] = None) -> Callable:
    """Class decorator: enter the class into ``registry`` unless the host project has the name.

    Projects on a vendored mmseg (MIC's, for one) bring their own ``DAFormerHead`` or
    ``mit_b5``. Their configs mean their classes, so those stay; ours remain importable.
    """

    def enter(cls: type) -> type:
        key = name or cls.__name__
        if key not in registry.module_dict:
            registry.register_module(name=key, module=cls)
        return cls

    return enter
