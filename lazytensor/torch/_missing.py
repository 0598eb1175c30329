"""What a module says of names that it doesn't have, and parts that load when they are first named.

What enters: a module's name, as users know it. What leaves: its `__getattr__`. It must not know
what there is.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["MISSING", "missing", "parts"]


# Where to look for what there is.
MISSING = " (lazytensor: docs/torch_coverage.md lists what is there)"


def missing(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose names are all there: it raises AttributeError."""

    def absent(name: str) -> Any:
        """Raises AttributeError."""
        raise AttributeError(f"module {module!r} has no attribute {name!r}{MISSING}")

    return absent


def parts(package: str, *names: str) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose modules of these names load when they are named."""
    absent = missing(package.removeprefix("lazytensor."))

    def load(name: str) -> Any:
        """A module of the package, loaded now. Raises AttributeError for any other name."""
        return import_module(f"{package}.{name}") if name in names else absent(name)

    return load
