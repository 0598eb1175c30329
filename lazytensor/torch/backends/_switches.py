"""Switches of libraries that aren't used here: accepted, remembered, and without effect.

What enters: the name of a module whose variables are switches. What leaves: functions over them.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

__all__ = ["flags", "no", "switch"]


def no() -> bool:
    """False: the library isn't used here."""
    return False


def flags(module: str) -> Callable[..., AbstractContextManager[None]]:
    """A context in which the switches of a module are as given. Raises TypeError for others."""

    @contextmanager
    def changed(**given: Any) -> Iterator[None]:
        switches = vars(sys.modules[module])
        for name in given:
            if name not in switches:
                raise TypeError(f"flags() got an unexpected keyword argument {name!r}")
        before = {name: switches[name] for name in given}
        switches.update(given)
        try:
            yield
        finally:
            switches.update(before)

    return changed


def switch(on: bool) -> tuple[Callable[[], bool], Callable[[bool], None]]:
    """A function that tells how a switch stands, and one that sets it."""
    state = [on]

    def enabled() -> bool:
        """How the switch stands."""
        return state[0]

    def enable(enabled: bool) -> None:
        """Set the switch, which has no effect here."""
        state[0] = bool(enabled)

    return enabled, enable
