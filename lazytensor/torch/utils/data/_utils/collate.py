"""Batches from samples: tensors are stacked, containers keep their form.

What enters: lists of samples. What leaves: one batch. It must not know datasets.
"""

import copy
import re
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from .... import _api as torch
from ....tensor import Tensor

# The kinds of NumPy arrays that no tensor can hold.
_NOT_NUMBERS = re.compile(r"[SaUO]")
_TEXT = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)

Map = dict[Any, Callable[..., Any]]


def _mapping(element: Any, values: dict[Any, Any]) -> Any:
    """A mapping of an element's class with new values, a dictionary where that cannot be made."""
    try:
        if isinstance(element, MutableMapping):
            clone = copy.copy(element)
            clone.update(values)
            return clone
        return type(element)(values)
    except TypeError:
        return values


def _sequence(element: Any, values: list[Any]) -> Any:
    """A sequence of an element's class with new values, a list where that cannot be made."""
    try:
        if isinstance(element, MutableSequence):
            clone = copy.copy(element)
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return type(element)(values)
    except TypeError:
        return values


def default_convert(data: Any) -> Any:
    """A sample with NumPy arrays made tensors, containers of them in the same form."""
    kind = type(data)
    if isinstance(data, Tensor):
        return data
    if kind.__module__ == "numpy" and kind.__name__ not in ("str_", "string_"):
        if kind.__name__ == "ndarray" and _NOT_NUMBERS.search(data.dtype.str) is not None:
            return data
        return torch.as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return kind(*(default_convert(d) for d in data))
    if isinstance(data, tuple):
        return [default_convert(d) for d in data]
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _sequence(data, [default_convert(d) for d in data])
    return data


def collate(batch: Any, *, collate_fn_map: Map | None = None) -> Any:
    """One batch from samples: by the function for their class, else by the form of a container."""
    element = batch[0]
    functions = collate_fn_map or {}
    if type(element) in functions:
        return functions[type(element)](batch, collate_fn_map=collate_fn_map)
    for kind, function in functions.items():
        if isinstance(element, kind):
            return function(batch, collate_fn_map=collate_fn_map)

    def below(samples: Any) -> Any:
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(element, Mapping):
        return _mapping(element, {key: below([d[key] for d in batch]) for key in element})
    if isinstance(element, tuple) and hasattr(element, "_fields"):
        return type(element)(*(below(samples) for samples in zip(*batch)))
    if isinstance(element, Sequence):
        if any(len(other) != len(element) for other in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [below(samples) for samples in zip(*batch)]
        return columns if isinstance(element, tuple) else _sequence(element, columns)
    raise TypeError(_TEXT.format(type(element)))


def collate_tensor_fn(batch: Any, *, collate_fn_map: Map | None = None) -> Any:
    """Tensors of one shape as one, with a dimension in front."""
    return torch.stack(batch, 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: Map | None = None) -> Any:
    """Arrays of one shape as one tensor; TypeError for those that hold no numbers."""
    dtype = batch[0].dtype
    if _NOT_NUMBERS.search(dtype.str) is not None:
        raise TypeError(_TEXT.format(dtype))
    return collate([torch.as_tensor(b) for b in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: Map | None = None) -> Any:
    """NumPy numbers as one tensor."""
    return torch.as_tensor(batch)


def collate_float_fn(batch: Any, *, collate_fn_map: Map | None = None) -> Any:
    """Floats as one tensor in float64."""
    return torch.tensor(batch, dtype=torch.float64)


def collate_int_fn(batch: Any, *, collate_fn_map: Map | None = None) -> Any:
    """Integers as one tensor."""
    return torch.tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: Map | None = None) -> Any:
    """Texts as they are."""
    return batch


default_collate_fn_map: Map = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """One batch from samples: tensors, arrays and numbers stacked, containers in their form."""
    return collate(batch, collate_fn_map=default_collate_fn_map)
