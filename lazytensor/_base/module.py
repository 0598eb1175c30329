"""The NumPy-like module that value columns compute with: NumPy, or what the target in force puts in
its place.

What enters: targets with functions of their own. What leaves: the module of the thread's target. It
must not know targets.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy

from . import config

STARTED = time.time()
"""When the package was loaded: files that were changed later may be other than what is running."""

MODULES: dict[str, Any] = {}
"""Modules by target; a target that isn't there has NumPy's."""


def module() -> Any:
    """The module of the target in force."""
    return MODULES.get(config.get("target"), numpy)


class Replaced:
    """NumPy with other functions for some names, loaded when one of them is first used; among these
    may be some that NumPy has not, which `own` finds.
    """

    def __init__(self, names: frozenset[str], load: Callable[[], Mapping[str, Any]]) -> None:
        self._names = names
        self._load = load
        self._own: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(numpy, name)
        if name in self._names:
            found = self._load().get(name, found)
        setattr(self, name, found)
        return found

    def own(self, name: str) -> Any:
        """A function beside NumPy's, or None."""
        if name not in self._own:
            self._own[name] = self._load().get(name)
        return self._own[name]


def own(np: Any, name: str) -> Any:
    """A function that a module has beside NumPy's, or None."""
    return np.own(name) if isinstance(np, Replaced) else None


class Worth:
    """Whether a function of the target's own is worth compiling: once it would have computed so
    many elements in all, each call counted as some at least.
    """

    def __init__(self, elements: int, call: int = 1 << 10) -> None:
        self.left = elements
        self._call = call

    def __call__(self, count: int) -> bool:
        self.left -= max(count, self._call)
        return self.left < 0


class WorthEach:
    """`Worth` for each of several functions, by what tells them apart."""

    def __init__(self, elements: int, call: int = 1 << 10) -> None:
        self._new = partial(Worth, elements, call)
        self._each: dict[Any, Worth] = {}

    def __call__(self, what: Any, count: int) -> bool:
        worth = self._each.get(what)
        if worth is None:
            worth = self._each.setdefault(what, self._new())
        return worth(count)
