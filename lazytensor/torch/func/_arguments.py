"""Which arguments a derivative is by, and checks of what functions take and give.

What enters: arguments, their numbers, results. What leaves: the arguments selected or replaced, or
PyTorch's errors. It must not know how derivatives are made.
"""

from collections.abc import Sequence
from typing import Any

from .._tree import flatten
from ..tensor import Tensor

__all__ = ["pair", "real_only", "replaced", "selected", "tensors_only"]

Argnums = int | tuple[int, ...]


def selected(args: Sequence[Any], argnums: Any) -> Any:
    """The arguments of these numbers: one for an int, a tuple for a tuple. Raises RuntimeError."""
    if not isinstance(argnums, int | tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    if isinstance(argnums, int):
        return args[_place(argnums, len(args))]
    places = tuple([_place(i, len(args)) for i in argnums])
    if not places:
        raise RuntimeError("argnums must be non-empty")
    if len(set(places)) != len(places):
        raise RuntimeError(f"argnums elements must be unique, got {places}")
    return tuple([args[i] for i in places])


def _place(argnum: Any, count: int) -> int:
    if not isinstance(argnum, int):
        raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
    if not -count <= argnum < count:
        raise RuntimeError(f"Got argnum={argnum}, but only {count} positional inputs")
    return argnum % count


def replaced(args: Sequence[Any], argnums: Argnums, new: Any) -> list[Any]:
    """The arguments, with those that `selected` gives replaced."""
    out = list(args)
    if isinstance(argnums, int):
        out[argnums] = new
        return out
    for place, x in zip(argnums, new, strict=True):
        out[place] = x
    return out


def pair(result: Any, what: str) -> tuple[Any, Any]:
    """A result and what comes beside it. Raises RuntimeError for what is no pair."""
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{what}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return result


def tensors_only(found: Sequence[Any], what: str) -> None:
    """Raises RuntimeError for no result, or one that is no tensor."""
    if not found or (len(found) == 1 and found[0] is None):
        raise RuntimeError(
            f"{what}: Expected f to be a function that has non-empty output (got output = "
            f"{list(found)})"
        )
    for x in found:
        if not isinstance(x, Tensor):
            raise RuntimeError(
                f"{what}: expected f(*primals) to return only tensors, got unsupported type "
                f"{type(x)}"
            )


def real_only(name: str, tree: Any, which: str) -> None:
    """Raises RuntimeError for complex tensors."""
    for place, x in enumerate(flatten(tree)[0]):
        if isinstance(x, Tensor) and x.dtype._rank == 3:
            raise RuntimeError(
                f"{name}: Expected all {which} to be real but received complex tensor at flattened "
                f"input idx: {place}"
            )
