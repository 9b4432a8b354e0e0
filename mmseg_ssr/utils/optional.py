"""Packages that only some exports need."""
from importlib import import_module
from types import ModuleType

from ..errors import UserError


def required(name: str, purpose: str) -> ModuleType:
    """Import the module ``name``.

    Args:
        purpose: its use, for the message.

    Raises:
        UserError: it is not installed; the message says how to install it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.split('.')[0]
        raise UserError(f'{purpose} needs the package {package}: pip install {package} (or all '
                        "that exports need: pip install 'mmseg_ssr[export]')") from error
