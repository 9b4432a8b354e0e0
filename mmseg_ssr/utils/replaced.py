"""Temporary replacement of an object's attributes."""
from contextlib import contextmanager
from typing import Any, Iterator


@contextmanager
def replaced(owner: Any, **values: Any) -> Iterator[None]:
    """Give ``owner`` these attributes inside the block, and restore its own ones afterwards."""
    before = {name: vars(owner)[name] for name in values if name in vars(owner)}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name in values:
            delattr(owner, name)
        for name, value in before.items():
            setattr(owner, name, value)
