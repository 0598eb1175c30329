"""Data type functions: a chapter of the standard. Dtypes are NumPy dtype instances.

What enters: arrays, dtypes, Python scalars. What leaves: arrays, dtypes, figures of dtypes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._base import dtypes
from .._base.devices import device as as_device
from .._base.dtypes import DType, canonical, kind, real_of
from ..lang import promote
from ..ops import g
from . import _rules as rules
from ._rules import node_of
from .array import Array

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]


@dataclass(frozen=True)
class FInfo:
    """Limits of a real floating-point dtype; those of a complex one are its parts'."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


@dataclass(frozen=True)
class IInfo:
    """Limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: DType


def _dtype_of(x: Any) -> DType:
    return x.dtype if isinstance(x, (Array, np.ndarray)) else canonical(x)


def astype(x: Array, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
    """x in another dtype, and on another device if one is given. Arrays are values: `copy` is free.

    Raises TypeError for complex to real, and for a dtype that isn't supported. Standard: data type
    functions.
    """
    node, target = node_of(x, "astype"), canonical(dtype)
    if kind(node.dtype) == "c" and kind(target) != "c":
        raise TypeError(f"astype: {node.dtype} to {target} would drop imaginary parts: use real()")
    node = rules.as_dtype(node, target)
    if device is not None and as_device(device) is not node.device:
        node = g.transfer(node, as_device(device))
    return Array(node)


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether a dtype, or an array's, is promoted to `to` by the standard's rules. Raises
    TypeError.

    Standard: data type functions.
    """
    return promote.can_cast(_dtype_of(from_), canonical(to))


def finfo(type: Any, /) -> FInfo:  # noqa: A002  (the standard's name)
    """Limits of a floating-point dtype, or of an array's. Raises TypeError for other dtypes.

    Standard: data type functions.
    """
    dtype = real_of(_dtype_of(type))
    if kind(dtype) != "f":
        raise TypeError(f"finfo: expected a floating-point dtype, got {dtype}")
    info: Any = np.finfo(dtype) if dtype.kind == "f" else _half_info(dtype)
    eps, most, least = float(info.eps), float(info.max), float(info.min)
    return FInfo(int(info.bits), eps, most, least, float(info.smallest_normal), dtype)


def _half_info(dtype: DType) -> Any:
    import ml_dtypes

    return ml_dtypes.finfo(dtype)


def iinfo(type: Any, /) -> IInfo:  # noqa: A002  (the standard's name)
    """Limits of an integer dtype, or of an array's. Raises TypeError for other dtypes.

    Standard: data type functions.
    """
    dtype = _dtype_of(type)
    if kind(dtype) not in "iu":
        raise TypeError(f"iinfo: expected an integer dtype, got {dtype}")
    info = np.iinfo(dtype)
    return IInfo(int(info.bits), int(info.max), int(info.min), dtype)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is of a kind: a dtype, a category's name, or a tuple of these.

    The categories: 'bool', 'signed integer', 'unsigned integer', 'integral', 'real floating',
    'complex floating', 'numeric'. Raises ValueError, TypeError. Standard: data type functions.
    """
    return dtypes.isdtype(canonical(dtype), kind)


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype that arrays, dtypes and Python scalars are promoted to.

    Raises TypeError where there is none, ValueError without arguments. Standard: data type
    functions.
    """
    if not arrays_and_dtypes:
        raise ValueError("result_type: expected at least one array, dtype or scalar, got none")
    scalars = [x for x in arrays_and_dtypes if type(x) in rules.PYTHON]
    found = [_dtype_of(x) for x in arrays_and_dtypes if type(x) not in rules.PYTHON]
    return promote.result_type(found, scalars)
