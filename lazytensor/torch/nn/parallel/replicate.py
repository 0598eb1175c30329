"""Copies of a module on several devices, whose gradients go to the one that they are of.

What enters: a module, devices. What leaves: modules. It must not know any particular module.
"""

from collections.abc import Sequence
from typing import Any

from ...tensor import Tensor
from ..modules.module import Module
from .scatter_gather import place

__all__ = ["replicate"]


def replicate(network: Module, devices: Sequence[Any], detach: bool = False) -> list[Module]:
    """A copy on each device, its parameters made of the module's; on its own device buffers are
    the module's own.
    """
    return [_copy(network, place(where), detach, {}) for where in devices]


def _copy(module: Module, where: Any, detach: bool, known: dict[int, Any]) -> Any:
    found = known.get(id(module))
    if found is not None:
        return found
    out: Any = object.__new__(type(module))
    known[id(module)] = out
    own = module.__dict__
    out.__dict__.update(own)
    out.__dict__["_is_replica"] = True
    out.__dict__["_modules"] = {
        name: None if child is None else _copy(child, where, detach, known)
        for name, child in own["_modules"].items()
    }
    parameters = own["_parameters"]
    out.__dict__["_parameters"] = {name: p for name, p in parameters.items() if p is None}
    for name, p in parameters.items():
        if p is not None:  # no longer a leaf, and so no parameter
            out.__dict__[name] = _moved(p, where, detach)
    out.__dict__["_buffers"] = {
        name: None if b is None else b.to(where) for name, b in own["_buffers"].items()
    }
    return out


def _moved(p: Tensor, where: Any, detach: bool) -> Any:
    if detach:
        return p.detach().to(where)
    return p.view_as(p) if p.device == where else p.to(where)
