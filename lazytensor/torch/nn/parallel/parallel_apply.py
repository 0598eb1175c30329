"""Modules called each on its own device.

What enters: modules, their arguments, devices. What leaves: what they give. Calls come one after
another: what they ask for runs when it is computed. It must not know any particular module.
"""

from collections.abc import Sequence
from typing import Any

from ... import _api as torch
from ...tensor import Tensor

__all__ = ["parallel_apply"]


def _demand(condition: bool, n: int, what: str, m: int) -> None:
    if not condition:
        raise AssertionError(f"The number of modules {n} is not equal to the number of {what} {m}")


def parallel_apply(
    modules: Sequence[Any], inputs: Sequence[Any], kwargs_tup: Sequence[Any] | None = None,
    devices: Sequence[Any] | None = None,
) -> list[Any]:  # fmt: skip
    """What each module gives for its arguments, its device being the current one."""
    n = len(modules)
    _demand(len(inputs) == n, n, "inputs", len(inputs))
    named = [{}] * n if kwargs_tup is None else kwargs_tup
    _demand(len(named) == n, n, "kwargs_tup", len(named))
    places = [None] * n if devices is None else devices
    _demand(len(places) == n, n, "devices", len(places))
    return [_called(*each) for each in zip(modules, inputs, named, places, strict=True)]


def _called(module: Any, given: Any, kwargs: dict[str, Any], where: Any) -> Any:
    found = _first(given) if where is None else None
    index = where if found is None else found.get_device()
    arguments = given if isinstance(given, list | tuple) else (given,)
    with torch.cuda.device(index):
        return module(*arguments, **kwargs)


def _first(x: Any) -> Any:
    """The first tensor in containers."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, list | tuple | dict):
        every = map(_first, x.values() if isinstance(x, dict) else x)
        return next((t for t in every if t is not None), None)
    return None
