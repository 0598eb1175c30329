"""The NumPy-like module that value columns compute with: NumPy, or what the target in force puts in
its place.

What enters: targets with functions of their own. What leaves: the module of the thread's target. It
must not know targets.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy

from . import config

MODULES: dict[str, Any] = {}
"""Modules by target; a target that isn't there has NumPy's."""


def module() -> Any:
    """The module of the target in force."""
    return MODULES.get(config.get("target"), numpy)


class Replaced:
    """NumPy with other functions for some names, loaded when one of them is first used."""

    def __init__(self, names: frozenset[str], load: Callable[[], Mapping[str, Any]]) -> None:
        self._names = names
        self._load = load

    def __getattr__(self, name: str) -> Any:
        found = getattr(numpy, name)
        if name in self._names:
            found = self._load().get(name, found)
        setattr(self, name, found)
        return found
