"""Temporary replacement of an object's attributes."""
from contextlib import contextmanager
from typing import Any, Iterator


@contextmanager
def replaced(owner: Any, **values: Any) -> Iterator[None]:
    """Give ``owner`` these attributes inside the block, and restore its own ones afterwards."""
    own = vars(owner)
    before = {name: own[name] for name in values if name in own}
    own.update(values)
    try:
        yield
    finally:
        for name in values:
            del own[name]
        own.update(before)
