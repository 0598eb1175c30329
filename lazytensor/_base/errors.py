"""Refusals: what public functions raise, shown at the user's line without the package's frames.

What enters: functions and exceptions. What leaves: the same, with shorter tracebacks, unless the
setting `traceback` is "full". It must not know what is refused.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from types import FunctionType, TracebackType
from typing import Any, TypeVar

from . import config

__all__ = ["REFUSALS", "OutsideOf", "publish", "publish_methods", "refusing", "shortened"]

REFUSALS = (TypeError, ValueError, IndexError, OverflowError, BufferError, MemoryError)
Error = TypeVar("Error", bound=BaseException)
Function = TypeVar("Function", bound=Callable[..., Any])


class OutsideOf(IndexError):
    """An index that is out of bounds in one of several operations that a row does at once, by
    number, in the order in which they were asked for.
    """

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.number = number


def shortened(error: Error) -> Error:
    """The error with a traceback that shows other people's frames only, a traced function's too."""
    if config.get("traceback") == "full":
        return error
    kept, entry = [], error.__traceback__
    while entry is not None:
        if not _ours(entry):
            kept.append(entry)
        entry = entry.tb_next
    for other in reversed(kept):
        entry = TracebackType(entry, other.tb_frame, other.tb_lasti, other.tb_lineno)
    return error.with_traceback(entry)


def _ours(entry: TracebackType) -> bool:
    name = entry.tb_frame.f_globals.get("__name__", "")
    return bool(name.startswith(("lazytensor.", "numpy.")))


def refusing(function: Function) -> Function:
    """The function, whose refusals come with short tracebacks."""

    @wraps(function)
    def public(*args: Any, **kwargs: Any) -> Any:
        try:  # without names, which is most often, no dictionary of them is made again
            return function(*args, **kwargs) if kwargs else function(*args)
        except REFUSALS as error:
            raise shortened(error) from error.__cause__

    return public  # type: ignore[return-value]


def publish(module: dict[str, Any]) -> None:
    """Let the functions in a module's `__all__` raise at their callers' lines."""
    for name in module["__all__"]:
        function = module[name]
        if type(function) is FunctionType and function.__module__ == module["__name__"]:
            module[name] = refusing(function)


def publish_methods(cls: type, besides: Iterable[str] = ()) -> None:
    """Let a class's methods raise at their callers' lines: public ones, and those for Python."""
    for name, method in list(vars(cls).items()):
        public = not name.startswith("_") or name.endswith("__")
        if type(method) is FunctionType and public and name not in besides:
            setattr(cls, name, refusing(method))
