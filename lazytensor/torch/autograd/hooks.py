"""What hooks may answer: checks of the gradients that they put in the place of others.

What enters: hooks, gradients before and after. What leaves: the gradients to go on with, or
PyTorch's errors. It must not know when hooks are called.
"""

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from ..views import type_name

__all__ = ["changed", "checked_hook"]

Gradients = tuple[Tensor | None, ...]


def _name(hook: Callable[..., Any]) -> str:
    return getattr(hook, "__name__", "<unknown>")


def checked_hook(hook: Callable[..., Any], before: Tensor | None, new: Any) -> Tensor:
    """The new gradient. Raises TypeError for what is no tensor, RuntimeError for another type or
    size.
    """
    if not isinstance(new, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(new).__name__}'")
    if before is None:
        raise RuntimeError("can't replace a None gradient with a non-None value")
    if new.dtype is not before.dtype:
        raise RuntimeError(
            f"hook '{_name(hook)}' has changed the type of value (was {type_name(before)} got "
            f"{type_name(new)})"
        )
    if new._node.shape != before._node.shape:
        raise RuntimeError(f"hook '{_name(hook)}' has changed the size of value")
    return new


def changed(hook: Callable[..., Any], before: Gradients, new: Any) -> Gradients:
    """Gradients after a hook of a record: as they were for None. Raises RuntimeError for another
    number of them.
    """
    if new is None:
        return before
    found = new if isinstance(new, tuple) else (new,)
    if len(found) != len(before):
        raise RuntimeError(
            f"hook '{_name(hook)}' has returned an incorrect number of values (got {len(found)}, "
            f"but expected {len(before)})"
        )
    return tuple(
        b if n is None else checked_hook(hook, b, n) for b, n in zip(before, found, strict=True)
    )
