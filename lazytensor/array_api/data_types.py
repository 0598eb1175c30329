"""Data types and the functions on them: two chapters of the standard.

What enters: arrays and anything that names a dtype. What leaves: NumPy dtypes, facts about them,
arrays. It must not know how a cast is computed.
"""

from typing import Any, NamedTuple

import numpy as np

from .._base import dtypes
from .._base.devices import Device
from .._base.devices import device as device_of
from .._base.dtypes import (
    DType,
    canonical,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    kind,
    real_of,
    uint8,
    uint16,
    uint32,
    uint64,
)
from .._base.dtypes import bool_ as bool
from .._base.errors import publish
from ..lang import promote
from ..ops import g
from . import _rules as rules
from ._rules import PYTHON, node_of
from .array import Array

__all__ = [
    "astype",
    "bool",
    "can_cast",
    "complex64",
    "complex128",
    "finfo",
    "float16",
    "float32",
    "float64",
    "iinfo",
    "int8",
    "int16",
    "int32",
    "int64",
    "isdtype",
    "result_type",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]


class FloatInfo(NamedTuple):
    """Limits of a floating-point dtype; for a complex one those of its parts."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType

    @property
    def tiny(self) -> float:
        """NumPy's name for the smallest normal number."""
        return self.smallest_normal


class IntInfo(NamedTuple):
    """Limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: DType


def _dtype_of(x: Any) -> DType:
    """The dtype of an array, or the dtype that something names. Raises TypeError."""
    if isinstance(x, Array | np.ndarray | np.generic):
        return canonical(x.dtype)
    return canonical(x)


def astype(x: Array, dtype: Any, /, *, copy: Any = True, device: Device | None = None) -> Array:
    """The array in another dtype, on another device if one is named; `copy=False` may give x
    itself.

    Raises TypeError for complex to real numbers, ValueError for a device that isn't there.
    Standard:
    data type functions.
    """
    node = rules.converted(node_of(x, "astype"), canonical(dtype))
    target = node.device if device is None else device_of(device)
    if target is not node.device:
        node = g.transfer(node, target)
    same = isinstance(x, Array) and node is x._node
    return x if same and not copy else Array(node)


def can_cast(from_: Any, to: Any, /) -> Any:
    """Whether promotion may turn one dtype, or that of an array, into another: a Python bool.

    Between kinds, which the standard leaves open, float64 takes every dtype, and no other target
    any. (`astype` refuses complex to real all the same.) Raises TypeError for what is no dtype.
    Standard: data type functions.
    """
    # The official suite looks up promotions that don't exist as None, which equals NumPy's float64
    # dtype (`numpy.dtype(None)`), and so wants every cast to float64 allowed.
    target = _dtype_of(to)
    return promote.can_cast(_dtype_of(from_), target) or target is float64


def finfo(type: Any, /) -> FloatInfo:
    """Bits, eps, max, min and smallest normal number of a floating-point dtype or array.

    For a complex dtype those of its parts. Raises TypeError for other dtypes. Standard: data type
    functions.
    """
    dtype = real_of(_dtype_of(type))
    if kind(dtype) != "f":
        raise TypeError(f"finfo: expected a floating-point dtype, got {dtype}")
    info = _limits(dtype)
    eps, most, least, normal = map(float, (info.eps, info.max, info.min, info.smallest_normal))
    return FloatInfo(info.bits, eps, most, least, normal, dtype)


def _limits(dtype: DType) -> Any:
    """What NumPy, or `ml_dtypes` for bfloat16, knows of a floating-point dtype."""
    if dtype is dtypes.float16 or dtype.itemsize > 2:
        return np.finfo(dtype)
    import ml_dtypes

    return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]


def iinfo(type: Any, /) -> IntInfo:
    """Bits, max and min of an integer dtype or array. Raises TypeError for other dtypes.

    Standard: data type functions.
    """
    dtype = _dtype_of(type)
    if kind(dtype) not in "iu":
        raise TypeError(f"iinfo: expected an integer dtype, got {dtype}")
    info = np.iinfo(dtype)
    return IntInfo(info.bits, int(info.max), int(info.min), dtype)


def isdtype(dtype: Any, kind: Any) -> Any:
    """Whether a dtype is of a kind: a dtype, one of the standard's words, or a tuple of either.

    Raises ValueError for an unknown word, TypeError for what is no dtype. Standard: data type
    functions.
    """
    return dtypes.isdtype(canonical(dtype), kind)


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype of an operation on arrays, dtypes and Python scalars, which only raise the kind.

    Raises TypeError where there is none, ValueError for no arguments. Standard: data type
    functions.
    """
    dtypes: list[DType] = []
    scalars: list[Any] = []
    for x in arrays_and_dtypes:
        if type(x) is Array:
            dtypes.append(x._node.dtype)
        elif isinstance(x, PYTHON) and not isinstance(x, np.generic):
            scalars.append(x)
        else:
            dtypes.append(_dtype_of(x))
    return promote.result_type(dtypes, scalars)


publish(globals())
