"""`torch.compiler`: nothing is traced, so that nothing need be kept from it.

What enters: functions. What leaves: the same functions. It must not know what they compute.
"""

from collections.abc import Callable
from typing import Any

__all__ = ["allow_in_graph", "disable", "is_compiling", "is_dynamo_compiling", "reset"]


def is_compiling() -> bool:
    """False: functions run as they are written."""
    return False


def is_dynamo_compiling() -> bool:
    """False: functions run as they are written."""
    return False


def allow_in_graph(fn: Any) -> Any:
    """The function, or those of a list. Raises AssertionError for what can't be called."""
    if isinstance(fn, list | tuple):
        return [allow_in_graph(x) for x in fn]
    if not callable(fn):
        raise AssertionError("allow_in_graph expects a callable")
    return fn


def disable(
    fn: Callable[..., Any] | None = None, recursive: bool = True, *, reason: str | None = None
) -> Any:
    """The function; without one a decorator that gives what it is given."""
    return (lambda f: f) if fn is None else fn


def reset() -> None:
    """Nothing was compiled ahead, so that there is nothing to forget."""
