"""Switches of libraries that aren't used here: they are accepted, remembered, and put back.

What enters: a module's names. What leaves: context managers over them.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

__all__ = ["no", "remembered"]


def no() -> bool:
    """False: the library isn't used."""
    return False


def remembered(
    names: dict[str, Any], *switches: str
) -> Callable[..., AbstractContextManager[None]]:
    """`flags(...)` of a module: its switches as given, in that order or by name, in a `with`."""

    @contextmanager
    def flags(*values: Any, **named: Any) -> Iterator[None]:
        given = {**dict(zip(switches, values)), **named}
        for name in given:
            if name not in switches:
                raise TypeError(f"flags() got an unexpected keyword argument '{name}'")
        before = {name: names[name] for name in given}
        names.update(given)
        try:
            yield
        finally:
            names.update(before)

    return flags
