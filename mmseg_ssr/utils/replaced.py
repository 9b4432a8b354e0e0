"""Attributes of an object exchanged for a while."""
from contextlib import contextmanager
from typing import Any, Iterator


@contextmanager
def replaced(owner: Any, **values: Any) -> Iterator[None]:
    """Within the block these are attributes of ``owner`` itself; afterwards all is as before."""
    own = vars(owner)
    before = {name: own[name] for name in values if name in own}
    own.update(values)
    try:
        yield
    finally:
        for name in values:
            del own[name]
        own.update(before)
