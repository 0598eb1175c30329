"""What is done about locks when a process forks: the child has one thread, and nobody to release
what others held.

What enters: locks, and what makes them. What leaves: nothing. It must not know what they guard.
"""

import os
from collections.abc import Callable
from typing import Any

__all__ = ["at_fork", "renewed", "waits_for"]


def at_fork(**acts: Callable[[], object]) -> None:
    """What to call `before` a fork, `after_in_parent` and `after_in_child`, if there are forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(**acts)


def renewed(module: dict[str, Any], **locks: Callable[[], Any]) -> None:
    """In a child, globals of a module are made anew: each name with what makes its lock."""
    at_fork(after_in_child=lambda: module.update({name: make() for name, make in locks.items()}))


def waits_for(lock: Any) -> None:
    """A fork waits until nobody holds the lock: what it guards is whole in the child."""
    at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
