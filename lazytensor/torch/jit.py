"""`torch.jit`'s decorators, accepted: functions and modules run as they are.

What enters: functions, classes, modules. What leaves: the same.
"""

from typing import Any, TypeVar

from ._missing import missing

T = TypeVar("T")

__all__ = [
    "export", "ignore", "interface", "is_scripting", "is_tracing", "script", "trace", "unused",
]  # fmt: skip


def script(obj: T, *args: Any, **kwargs: Any) -> T:
    """What it was given."""
    return obj


def trace(func: T, *args: Any, **kwargs: Any) -> T:
    """What it was given."""
    return func


def export(fn: T) -> T:
    """What it was given."""
    return fn


def unused(fn: T) -> T:
    """What it was given."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """What it was given, or a decorator that gives back what it is given."""
    return drop if callable(drop) else export


def interface(obj: T) -> T:
    """What it was given."""
    return obj


def script_if_tracing(fn: T) -> T:
    """What it was given."""
    return fn


def is_scripting() -> bool:
    """False: nothing is compiled ahead."""
    return False


def is_tracing() -> bool:
    """False: nothing is traced ahead."""
    return False


def annotate(the_type: Any, the_value: T) -> T:
    """The value."""
    return the_value


def freeze(mod: T, *args: Any, **kwargs: Any) -> T:
    """What it was given."""
    return mod


class ScriptModule:
    """Nothing is an instance of it."""


class ScriptFunction:
    """Nothing is an instance of it."""


Final: Any = Any
Attribute: Any = Any

__getattr__ = missing("torch.jit")
