"""Calls of modules with other parameters and buffers in the place of their own.

What enters: a module, tensors by name, arguments. What leaves: the call's output; the module is as
it was. It must not know particular layers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["functional_call"]


def _places(module: Any) -> dict[str, tuple[dict[str, Any], str]]:
    """Where each parameter and buffer stands, by its dotted names, shared ones at each."""
    return {
        (f"{path}.{name}" if path else name): (kind, name)
        for path, owner in module.named_modules(remove_duplicate=False)
        for kind in (owner._parameters, owner._buffers)
        for name in kind
    }


def _tied(places: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The given tensors, under all names of what they replace."""
    names: dict[int, list[str]] = {}
    for name, (kind, key) in places.items():
        if kind[key] is not None:
            names.setdefault(id(kind[key]), []).append(name)
    result = dict(given)
    for name, tensor in given.items():
        kind, key = places[name]
        for other in names.get(id(kind[key]), ()):
            if other in given and given[other] is not tensor:
                tied = names[id(kind[key])]
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted(tied)}, which are tied. "
                    "Consider using tie_weights=False"
                )
            result[other] = tensor
    return result


def _check(places: dict[str, Any], given: dict[str, Any], strict: bool) -> None:
    unexpected = sorted(set(given) - set(places))
    missing = sorted(set(places) - set(given)) if strict else []
    parts = []
    if strict and unexpected:
        parts.append("Unexpected key(s): " + ", ".join(unexpected) + ".")
    if missing:
        parts.append("Missing key(s): " + ", ".join(missing) + ".")
    if parts:
        raise RuntimeError("Error(s) in reparametrizing:\n\t" + "\n\t".join(parts))
    if unexpected:
        raise AttributeError(f"module has no parameter or buffer `{unexpected[0]}`")


@contextmanager
def _replaced(module: Any, given: dict[str, Any], tie: bool, strict: bool) -> Iterator[None]:
    """The given tensors in the module meanwhile."""
    places = _places(module)
    _check(places, given, strict)
    given = _tied(places, given) if tie else given
    before = [(*places[name], places[name][0][places[name][1]]) for name in given]
    try:
        for name, tensor in given.items():
            kind, key = places[name]
            kind[key] = tensor
        yield
    finally:
        for kind, key, tensor in before:
            kind[key] = tensor


def functional_call(
    module: Any,
    parameters_and_buffers: dict[str, Any],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """module(*args, **kwargs) with tensors in the place of those of these dotted names.

    With tie_weights a tensor takes all places of what it replaces; with strict all must be given.
    """
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, parameters_and_buffers, tie_weights, strict):
        return module(*args, **(kwargs or {}))
