"""`torch.cuda.nvtx`: ranges and marks that NVIDIA's profilers show.

What enters: messages. What leaves: how deep ranges lie. It must not know who shows them.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._driver import current
from .._missing import missing

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]


class _Open(threading.local):
    """How many ranges this thread has begun."""

    count = 0


_open = _Open()


def _driver() -> Any:
    found = current()
    if found is None:
        raise RuntimeError("NVTX functions not installed. Are you sure you have a CUDA build?")
    return found


def range_push(msg: str) -> int:
    """Begin a range; how many lie around it."""
    _driver().range_push(msg)
    _open.count += 1
    return _open.count - 1


def range_pop() -> int:
    """End the innermost range; how many lay around it, -1 if there was none."""
    _driver().range_pop()
    found = _open.count - 1
    _open.count = max(found, 0)
    return found


def range_start(msg: str) -> int:
    """Begin a range that any thread may end; its handle."""
    return int(_driver().range_start(msg))


def range_end(range_id: int) -> None:
    """End a range that has a handle."""
    _driver().range_end(range_id)


def mark(msg: str) -> None:
    """Note a moment."""
    _driver().mark(msg)


@contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """A context, or a decorator, that is a range; arguments are put into the message."""
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()


__getattr__ = missing("torch.cuda.nvtx")
