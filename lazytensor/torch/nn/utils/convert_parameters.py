"""All parameters in one vector, and back.

What enters: parameters, or a vector. What leaves: a vector, or parameters that show parts of it. It
must not know modules.
"""

from collections.abc import Iterable
from typing import Any

from ... import _api as torch
from ...tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _one_device(parameters: Iterable[Any]) -> list[Any]:
    """Parameters as a list; TypeError where they are on several devices."""
    listed = list(parameters)
    if len({p.device for p in listed}) > 1:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported."
        )
    return listed


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """All elements in a row."""
    return torch.cat([p.view(-1) for p in _one_device(parameters)])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Let each parameter show its part of a vector."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {torch.typename(vec)}")
    begin = 0
    for p in _one_device(parameters):
        end = begin + p.numel()
        p.data = vec[begin:end].view_as(p).data
        begin = end
