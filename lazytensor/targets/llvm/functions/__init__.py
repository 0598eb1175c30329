"""Elementary functions as vectors of IR instructions, by the name of their scalar instruction."""

from collections.abc import Callable

from ..code import Value

FUNCTIONS: dict[str, Callable[..., Value]] = {}
