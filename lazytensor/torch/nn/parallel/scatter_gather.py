"""Batches split over devices, and results put together again.

What enters: tensors, containers of them, devices. What leaves: as many of these as there are
devices; one, on one device. It must not know modules.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from ... import _api as torch
from ...tensor import Tensor

__all__ = ["gather", "scatter", "scatter_kwargs"]


def place(where: Any) -> Any:
    """A device by its index, of which -1 is the CPU, name or object."""
    if isinstance(where, int):
        return torch.device("cpu") if where < 0 else torch.device("cuda", where)
    found = torch.device(where)
    if found.type != "cuda" or found.index is not None:
        return found
    return torch.device("cuda", torch.cuda.current_device())


def _is_named(x: Any) -> bool:
    return isinstance(x, tuple) and hasattr(x, "_asdict") and hasattr(x, "_fields")


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> Any:
    """Tensors in containers cut along an axis, a part for each device; all else goes to each."""
    if isinstance(inputs, Tensor):
        parts = inputs.chunk(len(target_gpus), dim)
        return tuple([x.to(place(to)) for x, to in zip(parts, target_gpus, strict=False)])
    if isinstance(inputs, dict) and inputs:
        items = zip(*[scatter(item, target_gpus, dim) for item in inputs.items()], strict=False)
        return [type(inputs)(found) for found in items]
    if isinstance(inputs, tuple | list) and inputs:
        found = zip(*[scatter(x, target_gpus, dim) for x in inputs], strict=False)
        if _is_named(inputs):
            return [type(inputs)(*part) for part in found]
        return [part if isinstance(inputs, tuple) else list(part) for part in found]
    return [inputs for _ in target_gpus]


def scatter_kwargs(
    inputs: tuple[Any, ...], kwargs: dict[str, Any] | None, target_gpus: Sequence[Any],
    dim: int = 0,
) -> tuple[tuple[Any, ...], tuple[dict[str, Any], ...]]:  # fmt: skip
    """`scatter` of arguments by place and by name, as many of either."""
    by_place = list(scatter(inputs, target_gpus, dim)) if inputs else []
    by_name = list(scatter(kwargs, target_gpus, dim)) if kwargs else []
    count = max(len(by_place), len(by_name))
    by_place += [() for _ in range(count - len(by_place))]
    by_name += [{} for _ in range(count - len(by_name))]
    return tuple(by_place), tuple(by_name)


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """Tensors of several devices joined along an axis, on one of these; in containers too.

    Raises ValueError for dicts that differ.
    """
    first = outputs[0]
    if isinstance(first, Tensor):
        return _joined(outputs, place(target_device), dim)
    if first is None:
        return None
    if isinstance(first, dict):
        if any(len(found) != len(first) for found in outputs):
            raise ValueError("All dicts must have the same number of keys")
        return type(first)((k, gather([x[k] for x in outputs], target_device, dim)) for k in first)
    parts = [gather(part, target_device, dim) for part in zip(*outputs, strict=True)]
    return type(first)._make(parts) if _is_named(first) else type(first)(parts)


def _joined(outputs: Sequence[Tensor], to: Any, dim: int) -> Any:
    there = [x.to(to) for x in outputs]
    if all(not x.ndim for x in there) and dim == 0:
        warnings.warn(
            "Was asked to gather along dimension 0, but all input tensors were scalars; will "
            "instead unsqueeze and return a vector.",
            stacklevel=2,
        )
        there = [x.reshape(1) for x in there]
    return torch.cat(there, dim)
