"""Lets the setup of mmcv 1.7 run on Python 3.13 and later. It is on PYTHONPATH for that alone.

That setup reads its version by ``exec`` inside a function, and then from ``locals()``. Since Python
3.13 the two no longer share their names (PEP 667). Here they do again.
"""
import builtins
import sys
from typing import Any

exec_of_today = exec


def exec_as_before(code: Any, *names: Any, **options: Any) -> None:
    """Run code, by default among the local names of the caller."""
    caller = sys._getframe(1)
    exec_of_today(code, *(names or (caller.f_globals, caller.f_locals)), **options)


builtins.exec = exec_as_before
